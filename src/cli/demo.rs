//! `rchaos demo`: the demo shop, until Ctrl-C.

use std::net::SocketAddr;

use clap::Args;

use crate::demo::{ShopOptions, serve};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The shop's address; loopback only
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the shop finds its cache, say a proxy in front of it; by default its own
    #[arg(long)]
    cache: Option<SocketAddr>,
    /// Where the shop finds its store, say a proxy in front of it; by default its own
    #[arg(long)]
    store: Option<SocketAddr>,
}

/// Serves the shop.
///
/// # Errors
///
/// An address that is not loopback, or in use.
pub fn run(args: DemoArgs) -> Result<Exit, Failure> {
    let options = ShopOptions {
        listen: args.listen,
        cache: args.cache,
        store: args.store,
        ..ShopOptions::default()
    };
    let ready = |addresses: crate::demo::Addresses| {
        println!("shop   http://{}", addresses.shop);
        println!("cache  {}", addresses.cache);
        println!("store  {}", addresses.store);
        println!("Ctrl-C ends it");
    };
    // When signals cannot be caught, their default ends the process just as well.
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve(&options, ready, stop).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    Ok(Exit::Passed)
}
