//! Made-up data with the texture of the real: for demonstrations, tests and benchmarks without downloads.
//!
//! The same seed gives the same bits on every machine and with any number of threads. So nothing here
//! calls libm (its `exp` or `cos` differ in the last bit between platforms): only integers and single
//! IEEE operations (+ - * / sqrt) in a written order, see `math`.

pub mod flow;
pub mod jets;
mod lattice;
mod math;
mod random;
