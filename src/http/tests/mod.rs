//! The client against small servers on loopback that say exact bytes.

mod connections;
mod framing;
mod phases;
mod routes;
mod server;
mod shared;
mod tls;
