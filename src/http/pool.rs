//! The idle connections of one client.

use std::time::Instant;

use url::Url;

use super::link::Link;
use super::request::Request;

/// More idle connections than this are not worth keeping for one virtual user.
const MAX_IDLE: usize = 64;

/// Idle connections, the one used last at the end.
#[derive(Default)]
pub(super) struct Pool {
    idle: Vec<Link>,
}

impl Pool {
    /// The connection used last that leads where the request goes.
    pub fn take(&mut self, request: &Request, url: &Url) -> Option<Link> {
        let index = self
            .idle
            .iter()
            .rposition(|link| link.origin.serves(request, url))?;
        Some(self.idle.remove(index))
    }

    pub fn put(&mut self, mut link: Link) {
        link.idle_since = Instant::now();
        if self.idle.len() >= MAX_IDLE {
            self.idle.remove(0);
        }
        self.idle.push(link);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
