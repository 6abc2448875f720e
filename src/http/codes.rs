//! Error codes of a request that did not go well, in the groups k6 uses.
//!
//! A response with status 400 or above carries `1000 + status`, and no error text.

/// Nothing more precise is known.
pub const GENERIC: u16 = 1000;
/// The URL, its scheme, a header or another part of the request cannot be sent.
pub const INVALID_REQUEST: u16 = 1020;
/// The request's timeout passed.
pub const TIMEOUT: u16 = 1050;
/// The request was under way when its scenario ended.
pub const CUT: u16 = 1051;
/// The name could not be resolved: no server answered, or the answer made no sense.
pub const DNS: u16 = 1100;
/// The name does not exist, or has no address.
pub const NO_SUCH_HOST: u16 = 1101;
/// The connection failed in a way that has no code of its own.
pub const TCP: u16 = 1200;
/// The server had closed the connection while the request was being written.
pub const BROKEN_PIPE: u16 = 1201;
/// Connecting failed in a way that has no code of its own.
pub const DIAL: u16 = 1210;
/// Connecting took too long.
pub const DIAL_TIMEOUT: u16 = 1211;
/// Nobody listens there.
pub const REFUSED: u16 = 1212;
/// There is no route to the network or the host.
pub const UNKNOWN_NETWORK: u16 = 1213;
/// The connection was reset by its other end.
pub const RESET: u16 = 1220;
/// The server closed the connection without a byte of a response.
pub const CLOSED: u16 = 1221;
/// The server closed the connection within a response.
pub const CLOSED_MID_RESPONSE: u16 = 1222;
/// This process has as many open files as it may have.
pub const TOO_MANY_FILES: u16 = 1230;
/// The proxy refused to open a tunnel.
pub const PROXY: u16 = 1240;
/// TLS failed in a way that has no code of its own.
pub const TLS: u16 = 1300;
/// The server's certificate is not trusted: unknown authority, expired, or otherwise invalid.
pub const CERTIFICATE: u16 = 1310;
/// The server's certificate is for other names.
pub const CERTIFICATE_NAME: u16 = 1311;
/// HTTP/2 failed in a way that has no code of its own.
pub const H2: u16 = 1600;
/// The server said GOAWAY with an unknown reason; `1611 + reason` for the known ones.
pub const H2_GOAWAY: u16 = 1610;
/// The HTTP/2 stream was reset with an unknown reason; `1631 + reason` for the known ones.
pub const H2_STREAM: u16 = 1630;
/// The HTTP/2 connection broke with an unknown reason; `1651 + reason` for the known ones.
pub const H2_CONNECTION: u16 = 1650;
/// The body is not what its `content-encoding` says.
pub const DECOMPRESSION: u16 = 1701;
/// The body is larger than `max_body`.
pub const BODY_TOO_LARGE: u16 = 1702;
/// The response is not HTTP, or breaks its rules.
pub const MALFORMED: u16 = 1710;
/// The response's head is larger than 256 KiB or has more than 256 headers.
pub const HEAD_TOO_LARGE: u16 = 1711;

/// The code of a response by its status: `1000 + status` from 400 on, else 0.
#[must_use]
pub fn of_status(status: u16) -> u16 {
    if status >= 400 { 1000 + status } else { 0 }
}

/// What a code means, in a few words; empty for 0 and for codes that are not in the list.
#[must_use]
pub fn describe(code: u16) -> &'static str {
    match code {
        GENERIC => "failed",
        INVALID_REQUEST => "invalid request",
        TIMEOUT => "timed out",
        CUT => "cut by the end of its scenario",
        DNS => "name resolution failed",
        NO_SUCH_HOST => "no such host",
        TCP => "connection failed",
        BROKEN_PIPE => "broken pipe",
        DIAL => "cannot connect",
        DIAL_TIMEOUT => "connecting timed out",
        REFUSED => "connection refused",
        UNKNOWN_NETWORK => "network or host unreachable",
        RESET => "reset by peer",
        CLOSED => "closed without a response",
        CLOSED_MID_RESPONSE => "closed within a response",
        TOO_MANY_FILES => "too many open files",
        PROXY => "refused by the proxy",
        TLS => "TLS failed",
        CERTIFICATE => "certificate not trusted",
        CERTIFICATE_NAME => "certificate is for another name",
        H2 => "HTTP/2 failed",
        H2_GOAWAY..=1624 => "HTTP/2 connection given up by the server",
        H2_STREAM..=1644 => "HTTP/2 stream reset",
        H2_CONNECTION..=1664 => "HTTP/2 connection broken",
        DECOMPRESSION => "cannot decompress the body",
        BODY_TOO_LARGE => "body too large",
        MALFORMED => "malformed response",
        HEAD_TOO_LARGE => "head too large",
        1400..=1499 => "client error status",
        1500..=1599 => "server error status",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_from_400_on_have_codes() {
        assert_eq!(of_status(200), 0);
        assert_eq!(of_status(399), 0);
        assert_eq!(of_status(404), 1404);
        assert_eq!(of_status(503), 1503);
        assert_eq!(describe(1503), "server error status");
        assert_eq!(describe(REFUSED), "connection refused");
        assert_eq!(describe(0), "");
    }
}
