//! The command `baler`.

use std::process::ExitCode;

/// Chunks are megabytes, and so are their buffers. The system's allocator gives such blocks back to the kernel and takes
/// them anew for every chunk, page fault by page fault.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(baler_cli::program::main(std::env::args_os()))
}
