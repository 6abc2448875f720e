//! Content codings: gzip, deflate, br and zstd, in any chain, with a bound on what comes out.

use std::io::{self, Read, Write as _};

use super::codes;
use super::failure::Failure;
use super::outcome::Headers;
use crate::base::text::quoted;

/// A way to compress a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// gzip (RFC 1952).
    Gzip,
    /// zlib (RFC 1950), which HTTP calls deflate.
    Deflate,
    /// Brotli.
    Br,
    /// Zstandard.
    Zstd,
}

/// How many codings one body may have.
const MAX_CHAIN: usize = 8;

impl Coding {
    /// The coding of this name; `x-gzip` is accepted.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Br,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// Its name in `content-encoding`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }

    fn compress(self, data: &[u8]) -> io::Result<Vec<u8>> {
        use flate2::Compression;
        match self {
            Self::Gzip => {
                let mut to = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
                to.write_all(data)?;
                to.finish()
            }
            Self::Deflate => {
                let mut to = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
                to.write_all(data)?;
                to.finish()
            }
            Self::Br => {
                let mut out = Vec::new();
                let params = brotli::enc::BrotliEncoderParams {
                    quality: 5,
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &data[..], &mut out, &params)?;
                Ok(out)
            }
            Self::Zstd => Ok(ruzstd::encoding::compress_to_vec(
                data,
                ruzstd::encoding::CompressionLevel::Fastest,
            )),
        }
    }

    fn decompress(self, data: &[u8], max: u64) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Gzip => bounded(flate2::read::MultiGzDecoder::new(data), max),
            Self::Deflate if is_zlib(data) => bounded(flate2::read::ZlibDecoder::new(data), max),
            // What some servers mean by deflate.
            Self::Deflate => bounded(flate2::read::DeflateDecoder::new(data), max),
            Self::Br => bounded(brotli::Decompressor::new(data, 4096), max),
            Self::Zstd => zstd(data, max),
        }
    }
}

enum Problem {
    TooLarge,
    Broken(String),
}

fn is_zlib(data: &[u8]) -> bool {
    matches!(data, [a, b, ..] if a & 0x0f == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0)
}

fn bounded(from: impl Read, max: u64) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    let read = from.take(max.saturating_add(1)).read_to_end(&mut out);
    read.map_err(|error| Problem::Broken(error.to_string()))?;
    if out.len() as u64 > max {
        return Err(Problem::TooLarge);
    }
    Ok(out)
}

/// Frame by frame; each must say something, so the loop ends.
fn zstd(mut data: &[u8], max: u64) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    while !data.is_empty() {
        let before = data.len();
        let left = max - out.len() as u64;
        let frame = ruzstd::decoding::StreamingDecoder::new(&mut data)
            .map_err(|error| Problem::Broken(error.to_string()))?;
        out.extend(bounded(frame, left)?);
        if data.len() == before {
            return Err(Problem::Broken("frame without content".to_owned()));
        }
    }
    Ok(out)
}

/// Compresses a body with each coding in turn: the body, and its `content-encoding`.
///
/// # Errors
///
/// The encoder's own, which memory cannot cause.
pub fn encode(data: &[u8], chain: &[Coding]) -> io::Result<(Vec<u8>, String)> {
    let mut body = data.to_vec();
    for coding in chain {
        body = coding.compress(&body)?;
    }
    let names: Vec<&str> = chain.iter().map(|coding| coding.name()).collect();
    Ok((body, names.join(", ")))
}

/// Undoes the `content-encoding` of a response; a coding nobody knows leaves the body as it is.
pub(super) fn decode(body: Vec<u8>, headers: &Headers, max: u64) -> Result<Vec<u8>, Failure> {
    let mut chain = Vec::new();
    for value in headers.all("content-encoding") {
        for name in String::from_utf8_lossy(value).split(',') {
            match name.trim() {
                "" => {}
                name if name.eq_ignore_ascii_case("identity") => {}
                name => match Coding::named(name) {
                    Some(coding) => chain.push(coding),
                    None => return Ok(body),
                },
            }
        }
    }
    if chain.len() > MAX_CHAIN {
        return Err(Failure::new(
            codes::DECOMPRESSION,
            format!(
                "body has {} codings, at most {MAX_CHAIN} are undone",
                chain.len()
            ),
        ));
    }
    let mut body = body;
    for coding in chain.into_iter().rev() {
        body = coding
            .decompress(&body, max)
            .map_err(|problem| match problem {
                Problem::TooLarge => Failure::too_large(max),
                Problem::Broken(text) => Failure::new(
                    codes::DECOMPRESSION,
                    format!("body is not valid {}: {text}", quoted(coding.name())),
                ),
            })?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Br, Coding::Zstd];

    fn encoded(value: &str) -> Headers {
        let mut headers = Headers::default();
        headers.push("content-encoding", value.as_bytes());
        headers
    }

    #[test]
    fn every_coding_and_every_pair_comes_back() {
        let data = b"rchaos rchaos rchaos".repeat(500);
        for first in ALL {
            assert_eq!(Coding::named(first.name()), Some(first));
            for second in ALL {
                let (body, value) = encode(&data, &[first, second]).unwrap();
                assert_eq!(
                    decode(body, &encoded(&value), 1 << 20).unwrap(),
                    data,
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = vec![0; 1 << 20];
        for coding in ALL {
            let (body, value) = encode(&bomb, &[coding]).unwrap();
            let failure = decode(body.clone(), &encoded(&value), 1000).unwrap_err();
            assert_eq!(failure.code, codes::BODY_TOO_LARGE, "{value}");
            assert_eq!(
                decode(body, &encoded(&value), 1 << 20).unwrap().len(),
                1 << 20
            );
        }
    }

    #[test]
    fn raw_deflate_is_understood() {
        let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        to.write_all(b"hello hello").unwrap();
        let raw = to.finish().unwrap();
        assert_eq!(
            decode(raw, &encoded("deflate"), 100).unwrap(),
            b"hello hello"
        );
    }

    #[test]
    fn damage_is_reported_and_strangers_are_left_alone() {
        for coding in ALL {
            let (mut body, value) = encode(&b"hello ".repeat(100), &[coding]).unwrap();
            body.truncate(body.len() / 2);
            let failure = decode(body, &encoded(&value), 1 << 20).unwrap_err();
            assert_eq!(failure.code, codes::DECOMPRESSION, "{value}");
            let failure = decode(b"no such thing".to_vec(), &encoded(&value), 100).unwrap_err();
            assert_eq!(failure.code, codes::DECOMPRESSION, "{value}");
        }
        assert_eq!(
            decode(b"x".to_vec(), &encoded("compress"), 9).unwrap(),
            b"x"
        );
        assert_eq!(
            decode(b"x".to_vec(), &encoded("identity"), 9).unwrap(),
            b"x"
        );
        let many = decode(b"x".to_vec(), &encoded(&"gzip,".repeat(9)), 9);
        assert_eq!(many.unwrap_err().code, codes::DECOMPRESSION);
    }
}
