//! Steps of up to 32 lanes: symbols found and intervals looked up, in plain integers and in SIMD that equals them bit
//! for bit.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(test)]
mod tests;
mod trial;

use super::first::First;
pub use crate::model::kernel::{LANES, Lanes};
use crate::model::table::net::MIXTURE_OUTPUTS;

/// What the distributions of one step are made of.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// A net's outputs, in pairs; within +-8191.
    pub outputs: &'a [Lanes],
    /// The symbol before in each lane, -1 where there is none.
    pub before: &'a Lanes,
    /// The score of its middle.
    pub score: &'a Lanes,
    /// Where each lane's part of `edges` begins, a multiple of `symbols`.
    pub class: &'a Lanes,
    /// For each class, `symbols` edges: score (high 16 bits) and share of the histogram below (low 16 bits), both
    /// ascending.
    pub edges: &'a [i32],
    /// Symbols, the escape included.
    pub symbols: i32,
    /// Lanes that are coded: the first so many.
    pub active: usize,
}

impl Step<'_> {
    /// Holds every lane of a mixture within its tables, which SIMD reads without looking.
    fn check(&self, mixture: bool) {
        let outputs = if mixture { MIXTURE_OUTPUTS } else { self.symbols as usize + 1 };
        assert!(self.outputs.len() * 2 >= outputs && self.active <= LANES && self.symbols > 0);
        let last = (self.edges.len() as u32).wrapping_sub(self.symbols as u32);
        let most = self.class.0.iter().fold(0, |most, &c| most.max(c as u32));
        assert!(!mixture || self.edges.len() >= self.symbols as usize && most <= last);
    }
}

/// A symbol and its interval for each lane; zeros in those that are not coded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intervals {
    /// The symbols.
    pub symbol: Lanes,
    /// Where their intervals start, of 2^16.
    pub start: Lanes,
    /// How long they are, at least 1.
    pub size: Lanes,
}

impl Intervals {
    /// None yet.
    pub const ZERO: Intervals = Intervals { symbol: Lanes::ZERO, start: Lanes::ZERO, size: Lanes::ZERO };

    fn set(&mut self, lane: usize, symbol: i32, start: u32, size: u32) {
        (self.symbol.0[lane], self.start.0[lane], self.size.0[lane]) = (symbol, start as i32, size as i32);
    }
}

/// A way to do it. To hold one is to know that this CPU can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

/// One call, by whichever kernel.
macro_rules! dispatch {
    ($kernel:expr, $name:ident($($argument:expr),*)) => {
        match $kernel.0 {
            Kind::Scalar => scalar::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(k) => k.$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(k) => k.$name($($argument),*),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(k) => k.$name($($argument),*),
        }
    };
}

impl Kernel {
    /// Plain integers, everywhere.
    pub fn scalar() -> Kernel {
        Kernel(Kind::Scalar)
    }

    /// All that this CPU can run, slowest first.
    pub fn available() -> Vec<Kernel> {
        #[allow(unused_mut)]
        let mut kinds = vec![Kind::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            kinds.extend(avx2::Avx2::new().map(Kind::Avx2));
            kinds.extend(avx512::Avx512::new().map(Kind::Avx512));
        }
        #[cfg(target_arch = "aarch64")]
        kinds.extend(neon::Neon::new().map(Kind::Neon));
        kinds.into_iter().map(Kernel).collect()
    }

    /// The fastest that passes its trial against the scalar one.
    pub fn best() -> Kernel {
        static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
        let find = || Self::available().into_iter().rev().find(|&k| trial::agrees(k));
        *BEST.get_or_init(|| find().unwrap_or(Kernel::scalar()))
    }

    /// `scalar`, `avx2`, `avx512`, `neon`.
    #[cfg(test)]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
        }
    }

    /// The symbols whose intervals hold the low 16 bits `at`.
    pub fn find(self, mixture: bool, step: &Step, at: &Lanes) -> Intervals {
        step.check(mixture);
        match mixture {
            true => dispatch!(self, find_mixture(step, at)),
            false => dispatch!(self, find_class(step, at)),
        }
    }

    /// The intervals of `symbols`, each below the step's number of them.
    pub fn look_up(self, mixture: bool, step: &Step, symbols: &Lanes) -> Intervals {
        assert!(symbols.0[..step.active].iter().all(|s| (0..step.symbols).contains(s)));
        step.check(mixture);
        match mixture {
            true => dispatch!(self, mixture_of(step, symbols)),
            false => dispatch!(self, class_of(step, symbols)),
        }
    }

    /// The activations of a first layer, in pairs, of at least the first `active` lanes; `symbols` are those of each of its
    /// sources, the number of symbols where there is none.
    pub fn first(self, layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) {
        layer.check(symbols, out);
        match layer.narrow {
            true => dispatch!(self, first(layer, symbols, active, out)),
            // Rare: freezing keeps to 16 bits where weights are not extreme.
            false => scalar::first(layer, symbols, active, out),
        }
    }

    /// Takes intervals off the states of the first `active` lanes; each that falls below 2^16 draws the next of
    /// `words`, zeros beyond their end.
    pub fn advance(
        self,
        states: &mut Lanes,
        found: &Intervals,
        active: usize,
        words: &[u16],
        at: &mut usize,
    ) {
        dispatch!(self, advance(states, found, active, words, at))
    }
}
