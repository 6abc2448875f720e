//! One netlink message while it is written: header, fixed part, attributes nested in attributes.

/// Marks an attribute that holds attributes.
const NESTED: u16 = 0x8000;

/// A request, and what it asks in words for the error that may come back.
#[derive(Debug, Clone)]
pub struct Message {
    pub(super) action: String,
    bytes: Vec<u8>,
}

impl Message {
    /// The length of the header that each message starts with.
    pub(super) const HEADER: usize = 16;

    /// A message of a kind, with flags besides "request" and "acknowledge"; `action` reads well
    /// after "could not".
    #[must_use]
    pub fn new(kind: u16, flags: u16, action: impl Into<String>) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&0_u32.to_ne_bytes());
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        Self {
            action: action.into(),
            bytes,
        }
    }

    /// Appends the fixed part that follows the header, padded.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.append(bytes);
        self
    }

    /// Appends bytes that are no attribute, padded.
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    /// Appends an attribute.
    #[must_use]
    pub fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.put(kind, value);
        self
    }

    /// Appends a text attribute, ended by a zero.
    #[must_use]
    pub fn with_text(mut self, kind: u16, value: &str) -> Self {
        self.put_text(kind, value);
        self
    }

    /// Appends an attribute that holds what `fill` appends.
    #[must_use]
    pub fn with_nested(mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> Self {
        self.nest(kind, fill);
        self
    }

    /// Appends an attribute.
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(value);
        self.close(start, kind);
    }

    /// Appends a text attribute, ended by a zero.
    pub fn put_text(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.put(kind, &bytes);
    }

    /// Appends an attribute that holds what `fill` appends.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        fill(self);
        self.close(start, kind | NESTED);
    }

    fn close(&mut self, start: usize, kind: u16) {
        let length = self.bytes.len() - start;
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    /// The message without what is only known when it is sent.
    #[cfg(test)]
    pub(in crate::fault::net) fn bytes_for_tests(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The message as it is sent, with a number to know its answer by.
    pub(super) fn encode(&self, flags: u16, sequence: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        let own = u16::from_ne_bytes([bytes[6], bytes[7]]);
        bytes[6..8].copy_from_slice(&(own | flags).to_ne_bytes());
        bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested() {
        let message = Message::new(7, 0x400, "try")
            .raw(&[1])
            .with(1, &[9])
            .with_nested(2, |inner| inner.put_text(3, "abc"));
        let bytes = message.encode(1, 5);
        assert_eq!(bytes.len(), 16 + 4 + 8 + 4 + 8);
        assert_eq!(u32::from_ne_bytes(bytes[0..4].try_into().unwrap()), 40);
        assert_eq!(u16::from_ne_bytes([bytes[6], bytes[7]]), 0x401);
        assert_eq!(bytes[20..28], [5, 0, 1, 0, 9, 0, 0, 0]);
        assert_eq!(bytes[28..32], [12, 0, 2, 0x80]);
        assert_eq!(bytes[32..40], [8, 0, 3, 0, b'a', b'b', b'c', 0]);
    }
}
