//! The binary: arguments in, an exit code out. Everything else lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    warmline::cli::main()
}
