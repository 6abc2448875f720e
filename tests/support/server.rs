//! An HTTP server that misbehaves on request and remembers when it was asked for what.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the server does with a request, or before it reads one.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers 200 with `ok`.
    Ok,
    /// Answers 200 with these bytes.
    Body(Vec<u8>),
    /// Answers with a status and no body.
    Status(u16),
    /// Answers 200 after a while.
    Slow(Duration),
    /// Closes a connection as soon as it is there.
    CloseAtAccept,
    /// Promises 1,000 bytes, sends ten and closes.
    CloseMidBody,
    /// Reads and never answers.
    Hang,
    /// Answers something that is no HTTP.
    Garbage,
    /// Sends a body of so many bytes, in blocks.
    Stream(u64),
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// When its head was complete.
    pub at: Instant,
    /// Its path with its query.
    pub path: String,
    /// Its first line and its headers, as they came.
    pub head: String,
}

struct State {
    behaviour: Behaviour,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    stop: AtomicBool,
}

/// A server on a free port of 127.0.0.1, until it is dropped.
pub struct Server {
    state: Arc<State>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a server.
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            behaviour,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let shared = state.clone();
        thread::spawn(move || accept(&listener, &shared));
        Self { state, address }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The paths of all requests so far, in order.
    pub fn paths(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.path)
            .collect()
    }

    /// The first lines and headers of all requests so far, in order.
    pub fn heads(&self) -> Vec<String> {
        let all = self.requests().into_iter();
        all.map(|request| request.head).collect()
    }

    /// When requests came whose path begins so.
    pub fn arrivals(&self, path: &str) -> Vec<Instant> {
        self.requests()
            .into_iter()
            .filter(|request| request.path.starts_with(path))
            .map(|request| request.at)
            .collect()
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees that it shall end.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming().flatten() {
        if state.stop.load(Ordering::SeqCst) {
            return;
        }
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = state.clone();
        // A client that leaves is no failure of the server.
        thread::spawn(move || drop(serve(&stream, &state)));
    }
}

fn serve(stream: &TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    if matches!(state.behaviour, Behaviour::CloseAtAccept) {
        return stream.shutdown(Shutdown::Both);
    }
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        state.requests.lock().unwrap().push(request);
        if !answer(stream, &state.behaviour)? {
            return stream.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// Reads a request to its end; `None` when the client has left.
fn read(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    let mut head = line.clone();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Ok(None);
        }
        head += &header;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let at = Instant::now();
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let mut words = line.split_whitespace();
    let path = words.nth(1).unwrap_or_default().to_owned();
    Ok(Some(Request { at, path, head }))
}

/// Answers once; `false` when the connection is to be closed.
fn answer(mut stream: &TcpStream, behaviour: &Behaviour) -> std::io::Result<bool> {
    let whole = |body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    match behaviour {
        Behaviour::Ok => stream.write_all(&whole(b"ok"))?,
        Behaviour::Body(body) => stream.write_all(&whole(body))?,
        Behaviour::Status(status) => {
            let text = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(text.as_bytes())?;
        }
        Behaviour::Slow(time) => {
            thread::sleep(*time);
            stream.write_all(&whole(b"late"))?;
        }
        Behaviour::CloseMidBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n0123456789")?;
            return Ok(false);
        }
        Behaviour::Hang => {
            // Ends when the client closes.
            std::io::copy(&mut stream, &mut std::io::sink())?;
            return Ok(false);
        }
        Behaviour::Garbage => {
            stream.write_all(b"\x16\x03\x01 220 smtp ready\r\n\r\n")?;
            return Ok(false);
        }
        Behaviour::Stream(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            let block = vec![b'x'; 256 * 1024];
            let mut left = *length;
            while left > 0 {
                let part = left.min(block.len() as u64) as usize;
                stream.write_all(&block[..part])?;
                left -= part as u64;
            }
        }
        Behaviour::CloseAtAccept => return Ok(false),
    }
    Ok(true)
}
