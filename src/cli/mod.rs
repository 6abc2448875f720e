//! One file per subcommand.

pub mod proxy;
