//! What the API refuses, with Toxiproxy's texts and status codes.

use crate::fault::proxy::{AddressError, ListenError, ToxicError};

/// A refusal. The text is part of the API: clients compare it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The body is no JSON, or not of the wanted shape.
    #[error("bad request body: {0}")]
    BadBody(String),
    /// A proxy without name or upstream.
    #[error("missing required field: {0}")]
    MissingField(String),
    /// No proxy of that name.
    #[error("proxy not found")]
    ProxyNotFound,
    /// The name is taken.
    #[error("proxy already exists")]
    ProxyExists,
    /// Neither upstream nor downstream.
    #[error("stream was invalid, can be either upstream or downstream")]
    InvalidStream,
    /// No such kind of toxic.
    #[error("invalid toxic type")]
    InvalidType,
    /// A toxic that cannot be added or found.
    #[error("{0}")]
    Toxic(#[from] ToxicError),
    /// A proxy that cannot listen.
    #[error("{0}")]
    Listen(#[from] ListenError),
    /// A proxy's new address is none.
    #[error("{0}")]
    Address(#[from] AddressError),
}

impl ApiError {
    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadBody(_)
            | Self::MissingField(_)
            | Self::InvalidStream
            | Self::InvalidType
            | Self::Toxic(ToxicError::TooMany | ToxicError::Unsuited(..)) => 400,
            Self::ProxyNotFound | Self::Toxic(ToxicError::NotFound) => 404,
            Self::ProxyExists | Self::Toxic(ToxicError::Exists) => 409,
            Self::Listen(_) | Self::Address(_) => 500,
        }
    }
}
