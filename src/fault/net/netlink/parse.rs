//! Netlink messages while they are read; what is cut short reads as absent.

/// One message of an answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The message's kind.
    pub kind: u16,
    /// The flags of its header.
    pub flags: u16,
    pub(super) sequence: u32,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Reply {
    /// The attributes behind a fixed part of `skip` bytes.
    #[must_use]
    pub fn attributes(&self, skip: usize) -> Attributes<'_> {
        Attributes(self.body.get(skip..).unwrap_or_default())
    }
}

/// A row of attributes: kind and value, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of a kind.
    #[must_use]
    pub fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(one, _)| *one == kind).map(|(_, value)| value)
    }

    /// The attributes inside the first attribute of a kind.
    #[must_use]
    pub fn nested(self, kind: u16) -> Attributes<'a> {
        Attributes(self.get(kind).unwrap_or_default())
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.get(0..4)?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & 0x3fff;
        let value = self.0.get(4..length)?;
        let next = length.next_multiple_of(4).min(self.0.len());
        self.0 = &self.0[next..];
        Some((kind, value))
    }
}

/// Splits what one `recv` gave into messages.
pub(super) fn replies(mut bytes: &[u8]) -> Vec<Reply> {
    let mut found = Vec::new();
    while let Some(header) = bytes.get(0..16) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some(body) = bytes.get(16..length) else {
            break;
        };
        found.push(Reply {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
            body: body.to_vec(),
        });
        bytes = &bytes[length.next_multiple_of(4).min(bytes.len())..];
    }
    found
}

/// A number of the host's byte order.
#[must_use]
pub fn whole(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?))
}

/// A number of 32 bits in network order.
#[must_use]
pub fn be32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(0..4)?.try_into().ok()?))
}

/// A number of 64 bits in network order.
#[must_use]
pub fn be64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(0..8)?.try_into().ok()?))
}

/// A text up to its closing zero.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_ends_the_row() {
        let bytes = [5, 0, 1, 0, 9, 0, 0, 0, 200, 0, 2, 0];
        let all: Vec<_> = Attributes(&bytes).collect();
        assert_eq!(all, [(1, &[9][..])]);
        assert_eq!(Attributes(&[1, 0, 0, 0]).next(), None);
        assert!(replies(&[255; 40]).is_empty());
        assert!(replies(&[0; 40]).is_empty());
    }
}
