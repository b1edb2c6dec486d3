//! The command `baler`.

fn main() {}
