//! The shop's store behind what protects the shop from it.

use bytes::Bytes;

use super::guard::{Guard, Refused};
use super::peer::{Peer, PeerError};

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// A store, and what guards it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) peer: Peer,
    pub(super) guard: Guard,
}

impl Store {
    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.guarded(|| self.peer.get(key)).await
    }

    pub(super) async fn set(&self, key: &str, text: &[u8]) -> Result<(), StoreError> {
        self.guarded(|| self.peer.set(key, text)).await
    }

    /// Asks as often as it may; a refusal ends it at once.
    async fn guarded<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, PeerError>>,
    {
        let mut left = self.guard.retries;
        loop {
            let leave = self.guard.enter().await?;
            let answer = ask().await;
            leave.done(answer.is_ok());
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if left == 0 => return Err(error.into()),
                Err(_) => {
                    left -= 1;
                    self.guard.again();
                }
            }
        }
    }
}
