//! The rarer half of a response as one string of bytes: cheap to make, unpacked only when asked.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mlua::{Lua, LuaString, Result};

use super::response::ms;
use crate::http::{Response, Timings};

/// A packed response, read.
pub(super) struct Detail<'a> {
    pub(super) timings: [(&'static str, f64); 8],
    pub(super) version: &'a str,
    pub(super) remote: Option<SocketAddr>,
    pub(super) url: &'a str,
    /// What [`crate::http::Headers::unpacked`] reads.
    pub(super) headers: &'a [u8],
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Packs what the table of a response does not hold.
pub(super) fn pack(lua: &Lua, response: &Response) -> Result<LuaString> {
    SCRATCH.with_borrow_mut(|packed| {
        packed.clear();
        write(packed, response);
        lua.create_string(&*packed)
    })
}

fn write(packed: &mut Vec<u8>, response: &Response) {
    let Timings {
        blocked,
        dns,
        connecting,
        tls,
        sending,
        waiting,
        receiving,
    } = response.timings;
    for time in [blocked, dns, connecting, tls, sending, waiting, receiving] {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        packed.extend_from_slice(&nanos.to_le_bytes());
    }
    put(packed, response.version.as_bytes());
    match response.remote_address {
        None => put(packed, &[]),
        Some(address) => {
            let port = address.port().to_le_bytes();
            match address.ip() {
                IpAddr::V4(ip) => put(packed, &joined::<6>(port, &ip.octets())),
                IpAddr::V6(ip) => put(packed, &joined::<18>(port, &ip.octets())),
            }
        }
    }
    put(packed, response.url.as_str().as_bytes());
    response.headers.pack(packed);
}

fn joined<const N: usize>(port: [u8; 2], ip: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..2].copy_from_slice(&port);
    bytes[2..].copy_from_slice(ip);
    bytes
}

fn put(packed: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(bytes);
}

/// Reads what [`pack`] wrote; `None` for anything else, since scripts can reach it.
pub(super) fn unpack(mut packed: &[u8]) -> Option<Detail<'_>> {
    let mut times = [Duration::ZERO; 7];
    for time in &mut times {
        let (nanos, rest) = packed.split_first_chunk()?;
        *time = Duration::from_nanos(u64::from_le_bytes(*nanos));
        packed = rest;
    }
    let [blocked, dns, connecting, tls, sending, waiting, receiving] = times;
    let total: f64 = times.iter().map(|time| ms(*time)).sum();
    let version = std::str::from_utf8(take(&mut packed)?).ok()?;
    let remote = address(take(&mut packed)?);
    let url = std::str::from_utf8(take(&mut packed)?).ok()?;
    Some(Detail {
        timings: [
            ("blocked", ms(blocked)),
            ("dns", ms(dns)),
            ("connecting", ms(connecting)),
            ("tls", ms(tls)),
            ("sending", ms(sending)),
            ("waiting", ms(waiting)),
            ("receiving", ms(receiving)),
            ("total", total),
        ],
        version,
        remote,
        url,
        headers: packed,
    })
}

fn take<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = packed.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *packed = rest;
    Some(bytes)
}

fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let (port, ip) = bytes.split_first_chunk()?;
    let ip = match ip.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
    };
    Some(SocketAddr::new(ip, u16::from_le_bytes(*port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    fn response() -> Response {
        Response {
            status: 200,
            headers: crate::http::Headers::default(),
            body: Vec::new(),
            error: None,
            error_code: 0,
            url: std::rc::Rc::new(url::Url::parse("http://h/x?y=z").unwrap()),
            version: "HTTP/1.1",
            remote_address: Some("[::1]:8080".parse().unwrap()),
            timings: Timings {
                waiting: Duration::from_micros(1500),
                dns: Duration::from_millis(1),
                ..Timings::default()
            },
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let mut packed = Vec::new();
        write(&mut packed, &response());
        let detail = unpack(&packed).unwrap();
        assert_eq!((detail.version, detail.url), ("HTTP/1.1", "http://h/x?y=z"));
        assert_eq!(detail.remote, response().remote_address);
        assert_eq!(detail.timings[5], ("waiting", 1.5));
        assert_eq!(detail.timings[7], ("total", 2.5));
        assert_eq!(Headers::unpacked(detail.headers).count(), 0);
    }

    #[test]
    fn bytes_that_were_tampered_with_are_refused() {
        let mut packed = Vec::new();
        write(&mut packed, &response());
        for end in 0..packed.len() {
            let _ = unpack(&packed[..end]);
        }
        assert!(unpack(&packed[..30]).is_none());
        assert!(unpack(&[0xff; 80]).is_none());
    }
}
