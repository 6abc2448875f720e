//! HTTP proxies over loopback: what clients and upstreams really see.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::kinds::Abort;
use super::{HttpFault, HttpProxy, HttpProxyOptions, Match, Origin, OriginTls, Rule, Version};
use crate::fault::proxy::Address;

mod carry;
mod rules;
mod versions;

const LONG: Duration = Duration::from_secs(20);

/// One message as it was on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Message {
    /// The first line.
    first: String,
    /// Header lines, in order.
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn status(&self) -> u16 {
        self.first.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// Reads a message; none at the end of the connection.
fn read(from: &mut impl BufRead, bodiless: bool) -> std::io::Result<Option<Message>> {
    let mut message = Message::default();
    if from.read_line(&mut message.first)? == 0 {
        return Ok(None);
    }
    message.first.truncate(message.first.trim_end().len());
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        message.headers.push(line.trim_end().to_owned());
    }
    if bodiless {
        return Ok(Some(message));
    }
    if message.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            from.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            message.body.extend_from_slice(&chunk[..size]);
        }
    } else if let Some(length) = message.header("content-length") {
        message.body = vec![0; length.parse().unwrap()];
        from.read_exact(&mut message.body)?;
    }
    Ok(Some(message))
}

/// An upstream that answers each request with what `answer` says, and closes the connection when
/// that is nothing or half of it; gives its address and what it
/// was asked, connection numbers included.
fn upstream(
    answer: impl Fn(&Message) -> String + Clone + Send + 'static,
) -> (String, Receiver<(usize, Message)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asked, all) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let (asked, answer) = (asked.clone(), answer.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Ok(Some(message)) = read(&mut reader, false) {
                    let reply = answer(&message);
                    let _ = asked.send((number, message));
                    if (&stream).write_all(reply.as_bytes()).is_err()
                        || reply.is_empty()
                        || reply.ends_with("half")
                    {
                        return;
                    }
                }
            });
        }
    });
    (address, all)
}

/// An upstream that says `body` to everything.
fn says(body: &str) -> (String, Receiver<(usize, Message)>) {
    let reply = ok(body);
    upstream(move |_| reply.clone())
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-Served: yes\r\n\r\n{body}")
}

fn options(upstream: &str) -> HttpProxyOptions {
    HttpProxyOptions {
        name: "web".to_owned(),
        listen: Address::parse("127.0.0.1:0").unwrap(),
        origin: Origin::parse(upstream, &OriginTls::default(), Version::Auto).unwrap(),
        host: None,
        mark: true,
        seed: 7,
    }
}

fn through(upstream: &str, rules: Vec<Rule>) -> HttpProxy {
    HttpProxy::start(&options(upstream), rules).unwrap()
}

fn rule(name: &str, path: &str, fault: HttpFault) -> Rule {
    let rule = Rule {
        name: name.to_owned(),
        matches: Match {
            path: Some(path.to_owned()),
            ..Match::default()
        },
        toxicity: 1.0,
        first: None,
        fault,
    };
    rule.validate().unwrap();
    rule
}

fn abort(status: u16, body: &str) -> HttpFault {
    HttpFault::Abort(Abort {
        status,
        headers: vec![("Retry-After".to_owned(), "1".to_owned())],
        body: body.to_owned(),
    })
}

/// A client on one connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(proxy: &HttpProxy) -> Self {
        let stream = TcpStream::connect(proxy.listen()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn read(&mut self) -> Message {
        read(&mut self.0, false).unwrap().unwrap()
    }

    fn get(&mut self, path: &str) -> Message {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n"));
        self.read()
    }

    fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).map(|_| all)
    }
}
