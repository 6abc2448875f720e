//! The kernel's protocol for filesystems in user space, as far as a faithful copy of a folder needs it: version 7.31.

use rustix::fs::Stat;
use rustix::io::Errno;

/// How much is written at once, in bytes; what the kernel splits larger writes into.
pub(super) const MOST: usize = 128 << 10;

/// Room for one request: its head, its arguments, and what is written.
pub(super) const ROOM: usize = MOST + 4096;

/// Length of the head of a request.
const HEAD: usize = 40;

/// The protocol that is spoken; the kernel's own may be newer.
const VERSION: (u32, u32) = (7, 31);

/// A request.
pub(super) struct Request<'a> {
    pub(super) opcode: u32,
    pub(super) unique: u64,
    pub(super) node: u64,
    /// Who asks.
    pub(super) uid: u32,
    pub(super) gid: u32,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads one; `None` for fewer bytes than a head.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut head = Reader(bytes.get(..HEAD)?);
        let _length = head.u32()?;
        let opcode = head.u32()?;
        Some(Self {
            opcode,
            unique: head.u64()?,
            node: head.u64()?,
            uid: head.u32()?,
            gid: head.u32()?,
            body: &bytes[HEAD..],
        })
    }

    /// Its arguments.
    pub(super) fn arguments(&self) -> Reader<'a> {
        Reader(self.body)
    }
}

/// Reads arguments one after the other.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*first))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*first))
    }

    /// A name, without the byte that ends it.
    pub(super) fn name(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (name, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(name)
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: u32) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(first)
    }

    /// Leaves bytes out.
    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        self.bytes(count).map(|_| ())
    }
}

/// An answer under way.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_ne_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_ne_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_ne_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// What is known of a file.
    fn attributes(&mut self, stat: &Stat) -> &mut Self {
        let seconds = [stat.st_atime, stat.st_mtime, stat.st_ctime];
        self.u64(stat.st_ino)
            .u64(stat.st_size.cast_unsigned())
            .u64(stat.st_blocks.cast_unsigned());
        for second in seconds {
            self.bytes(&second.to_ne_bytes());
        }
        for nanos in [stat.st_atime_nsec, stat.st_mtime_nsec, stat.st_ctime_nsec] {
            self.u32(u32::try_from(nanos).unwrap_or_default());
        }
        let links = u32::try_from(stat.st_nlink).unwrap_or(u32::MAX);
        let device = u32::try_from(stat.st_rdev).unwrap_or_default();
        let block = u32::try_from(stat.st_blksize).unwrap_or(4096);
        for value in [
            stat.st_mode,
            links,
            stat.st_uid,
            stat.st_gid,
            device,
            block,
            0,
        ] {
            self.u32(value);
        }
        self
    }

    /// A file by its number, none of it to be remembered: others may change it past us.
    pub(super) fn entry(&mut self, node: u64, stat: &Stat) -> &mut Self {
        self.u64(node).u64(0).u64(0).u64(0).u32(0).u32(0);
        self.attributes(stat)
    }

    /// What is known of a file, as an answer of its own.
    pub(super) fn attribute_answer(&mut self, stat: &Stat) -> &mut Self {
        self.u64(0).u32(0).u32(0).attributes(stat)
    }

    /// An open file or folder.
    pub(super) fn opened(&mut self, handle: u64, flags: u32) -> &mut Self {
        self.u64(handle).u32(flags).u32(0)
    }

    /// One entry of a folder.
    pub(super) fn listed(&mut self, inode: u64, next: u64, kind: u32, name: &[u8]) -> &mut Self {
        let length = u32::try_from(name.len()).unwrap_or_default();
        self.u64(inode).u64(next).u32(length).u32(kind).bytes(name);
        let padding = name.len().next_multiple_of(8) - name.len();
        self.bytes(&[0; 8][..padding])
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes of an answer.
    pub(super) fn answer(self, unique: u64) -> Vec<u8> {
        reply(unique, 0, &self.0)
    }
}

/// The bytes of a refusal.
pub(super) fn refusal(unique: u64, error: Errno) -> Vec<u8> {
    reply(unique, -error.raw_os_error(), &[])
}

fn reply(unique: u64, error: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + body.len());
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&error.to_ne_bytes());
    bytes.extend_from_slice(&unique.to_ne_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Reads of one file may come together.
const ASYNC_READ: u32 = 1;
/// Writes may be larger than a page.
const BIG_WRITES: u32 = 1 << 5;
/// Lookups and listings of one folder may come together.
const PARALLEL_FOLDERS: u32 = 1 << 18;
/// `max_pages` says how large a request may be.
const MAX_PAGES: u32 = 1 << 22;
/// There is a second word of flags.
const MORE_FLAGS: u32 = 1 << 30;
/// In that one: files whose pages are not cached can be mapped all the same.
const MAP_DIRECT: u32 = 1 << 4;

/// The answer to the kernel's first request.
pub(super) fn greeting(request: &Request) -> Option<Vec<u8>> {
    let mut arguments = request.arguments();
    let (_major, _minor) = (arguments.u32()?, arguments.u32()?);
    let ahead = arguments.u32()?;
    let offered = arguments.u32()?;
    let more = arguments.u32().unwrap_or_default();
    let wanted = ASYNC_READ | BIG_WRITES | PARALLEL_FOLDERS | MAX_PAGES | MORE_FLAGS;
    let pages = u16::try_from(MOST / 4096).unwrap_or(32);
    let mut answer = Writer::default();
    answer.u32(VERSION.0).u32(VERSION.1).u32(ahead);
    answer.u32(offered & wanted).u16(64).u16(48);
    answer.u32(u32::try_from(MOST).unwrap_or_default()).u32(1);
    answer.u16(pages).u16(0);
    let second = if offered & MORE_FLAGS == 0 { 0 } else { more };
    answer.u32(second & MAP_DIRECT).bytes(&[0; 28]);
    Some(answer.answer(request.unique))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(opcode: u32, body: &[u8]) -> Vec<u8> {
        let mut writer = Writer::default();
        let length = u32::try_from(HEAD + body.len()).unwrap();
        writer.u32(length).u32(opcode).u64(7).u64(1);
        writer.u32(1000).u32(100).u32(42).u32(0).bytes(body);
        writer.0
    }

    #[test]
    fn a_request_is_taken_apart() {
        let bytes = request(11, b"\x01\0\0\0one\0two\0");
        let request = Request::parse(&bytes).unwrap();
        assert_eq!((request.opcode, request.unique, request.node), (11, 7, 1));
        assert_eq!((request.uid, request.gid), (1000, 100));
        let mut arguments = request.arguments();
        assert_eq!(arguments.u32(), Some(1));
        assert_eq!(arguments.name(), Some(&b"one"[..]));
        assert_eq!(arguments.name(), Some(&b"two"[..]));
        assert_eq!(arguments.name(), None);
        assert_eq!(arguments.u64(), None);
        assert!(Request::parse(&bytes[..20]).is_none());
    }

    #[test]
    fn answers_have_the_lengths_that_the_kernel_expects() {
        let bytes = request(26, &[0; 64]);
        let greeting = greeting(&Request::parse(&bytes).unwrap()).unwrap();
        assert_eq!(greeting.len(), 16 + 64);
        let stat = rustix::fs::stat("/").unwrap();
        let mut entry = Writer::default();
        entry.entry(2, &stat);
        assert_eq!(entry.len(), 128);
        let mut attributes = Writer::default();
        attributes.attribute_answer(&stat);
        assert_eq!(attributes.len(), 104);
        let mut listed = Writer::default();
        listed.listed(1, 1, 4, b"abc");
        assert_eq!(listed.len(), 32);
        assert_eq!(refusal(1, Errno::IO).len(), 16);
    }
}
