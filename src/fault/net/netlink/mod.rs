//! Netlink, as little of it as faults need: messages, requests with acknowledgement, batches, dumps.

mod error;
mod message;
mod parse;
mod socket;

pub use error::NetlinkError;
pub use message::Message;
pub use parse::{Attributes, Reply, be32, be64, text, whole};
pub use socket::{Family, Socket};
