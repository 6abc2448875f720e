//! Why an exchange failed: a code and a text; and how errors from below become one.

use std::io;

use super::codes;

/// A failed exchange: it becomes the response's `error` and `error_code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub code: u16,
    pub text: String,
}

impl Failure {
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    pub fn malformed(text: impl Into<String>) -> Self {
        Self::new(codes::MALFORMED, text)
    }

    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(codes::INVALID_REQUEST, text)
    }

    pub fn closed_mid_response() -> Self {
        Self::new(
            codes::CLOSED_MID_RESPONSE,
            "server closed the connection before the response was complete",
        )
    }

    pub fn too_large(max_body: u64) -> Self {
        Self::new(
            codes::BODY_TOO_LARGE,
            format!("body is larger than max_body ({max_body} bytes)"),
        )
    }

    /// A failed `connect`.
    pub fn dial(error: &io::Error, to: std::net::SocketAddr) -> Self {
        if let Some(failure) = Self::of_open_files(error) {
            return failure;
        }
        let code = match error.kind() {
            io::ErrorKind::ConnectionRefused => codes::REFUSED,
            io::ErrorKind::TimedOut => codes::DIAL_TIMEOUT,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                codes::UNKNOWN_NETWORK
            }
            io::ErrorKind::ConnectionReset => codes::RESET,
            io::ErrorKind::AddrNotAvailable => {
                return Self::new(
                    codes::DIAL,
                    format!("cannot connect to {to}: no local port is free for it"),
                );
            }
            _ => codes::DIAL,
        };
        let what = match codes::describe(code) {
            "cannot connect" => error.to_string(),
            text => text.to_owned(),
        };
        Self::new(code, format!("cannot connect to {to}: {what}"))
    }

    /// An error of an open connection, while doing `what`.
    pub fn io(error: &io::Error, what: &str) -> Self {
        if let Some(failure) = Self::of_open_files(error) {
            return failure;
        }
        let code = match error.kind() {
            io::ErrorKind::BrokenPipe => codes::BROKEN_PIPE,
            io::ErrorKind::ConnectionReset => codes::RESET,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                codes::UNKNOWN_NETWORK
            }
            io::ErrorKind::UnexpectedEof => codes::CLOSED,
            _ => {
                return super::tls::classify(error)
                    .unwrap_or_else(|| Self::new(codes::TCP, format!("{what}: {error}")));
            }
        };
        Self::new(code, format!("{what}: {}", codes::describe(code)))
    }

    /// Running out of files, wherever it happens.
    pub fn of_open_files(error: &io::Error) -> Option<Self> {
        use rustix::io::Errno;
        let out = matches!(
            Errno::from_io_error(error),
            Some(Errno::MFILE | Errno::NFILE)
        );
        out.then(|| {
            let text = "too many open files; raise the limit with `ulimit -n`";
            Self::new(codes::TOO_MANY_FILES, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_files_says_what_to_do() {
        let error = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        let to = "127.0.0.1:80".parse().unwrap();
        let failure = Failure::dial(&error, to);
        assert_eq!(failure.code, codes::TOO_MANY_FILES);
        assert!(failure.text.contains("ulimit -n"));
        assert_eq!(Failure::io(&error, "x").code, codes::TOO_MANY_FILES);
    }

    #[test]
    fn connect_errors_have_their_codes() {
        let to = "127.0.0.1:80".parse().unwrap();
        let code = |errno: rustix::io::Errno| {
            Failure::dial(&io::Error::from_raw_os_error(errno.raw_os_error()), to).code
        };
        use rustix::io::Errno;
        assert_eq!(code(Errno::CONNREFUSED), codes::REFUSED);
        assert_eq!(code(Errno::TIMEDOUT), codes::DIAL_TIMEOUT);
        assert_eq!(code(Errno::NETUNREACH), codes::UNKNOWN_NETWORK);
        assert_eq!(code(Errno::ADDRNOTAVAIL), codes::DIAL);
    }
}
