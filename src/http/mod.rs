//! The measuring HTTP client: own connections per virtual user, own timings, failure as data.

pub mod codes;

mod auth;
mod client;
mod coding;
mod cookies;
mod dial;
mod dns;
mod failure;
mod h1;
mod h2;
mod hop;
mod link;
mod multipart;
mod origin;
mod outcome;
mod pool;
mod reply;
mod request;
mod shared;
#[cfg(test)]
mod tests;
mod tls;
mod trace;

pub use client::Client;
pub use coding::{Coding, encode};
pub use cookies::{CookieOptions, Jar};
pub use multipart::{Multipart, Part};
pub use outcome::{Exchange, Headers, Outcome, Response, Timings};
pub use request::{Auth, Body, Proxy, Request, TlsOptions, TlsVersion, VersionPreference};
pub use shared::Shared;
