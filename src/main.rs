//! Parses the command line, does what it says, exits.

use rchaos::cli::Exit;

fn main() -> Exit {
    rchaos::cli::main()
}
