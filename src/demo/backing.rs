//! The cache and the store: bounded tables behind the line protocol.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::line::{Command, read_line};
use super::server::{MAX_CONNECTIONS, accept};

/// Keys and texts, at most `capacity` beside the seeded ones; the oldest makes room.
#[derive(Debug)]
pub(super) struct Table {
    rows: HashMap<String, Row>,
    ages: BTreeMap<u64, String>,
    next: u64,
    capacity: usize,
    ttl: Option<Duration>,
}

#[derive(Debug)]
struct Row {
    text: Bytes,
    written: Instant,
    /// Place in `ages`; a seeded row has none and is never pushed out.
    age: Option<u64>,
}

impl Table {
    /// An empty table; with a `ttl`, rows vanish that long after they were written.
    pub(super) fn new(capacity: usize, ttl: Option<Duration>) -> Self {
        Self {
            rows: HashMap::new(),
            ages: BTreeMap::new(),
            next: 0,
            capacity,
            ttl,
        }
    }

    /// Adds a row that is never pushed out.
    pub(super) fn seed(&mut self, key: String, text: String) {
        let row = Row {
            text: text.into(),
            written: Instant::now(),
            age: None,
        };
        self.rows.insert(key, row);
    }

    fn get(&mut self, key: &str) -> Option<Bytes> {
        let row = self.rows.get(key)?;
        if self.ttl.is_some_and(|ttl| row.written.elapsed() >= ttl) {
            self.delete(key);
            return None;
        }
        Some(row.text.clone())
    }

    fn set(&mut self, key: &str, text: &str) {
        let text = Bytes::copy_from_slice(text.as_bytes());
        if let Some(row) = self.rows.get_mut(key) {
            row.text = text;
            row.written = Instant::now();
            return;
        }
        while self.ages.len() >= self.capacity {
            let Some((_, oldest)) = self.ages.pop_first() else {
                return;
            };
            self.rows.remove(&oldest);
        }
        let row = Row {
            text,
            written: Instant::now(),
            age: Some(self.next),
        };
        self.ages.insert(self.next, key.to_owned());
        self.rows.insert(key.to_owned(), row);
        self.next += 1;
    }

    fn delete(&mut self, key: &str) -> bool {
        let Some(row) = self.rows.remove(key) else {
            return false;
        };
        if let Some(age) = row.age {
            self.ages.remove(&age);
        }
        true
    }
}

/// Serves a table to all who connect; each GET, SET and DEL is answered after `delay`.
pub(super) async fn serve(listener: TcpListener, table: Table, delay: Duration) {
    let table = Arc::new(Mutex::new(table));
    accept(listener, MAX_CONNECTIONS, move |stream| {
        let table = Arc::clone(&table);
        async move {
            // A client that goes away ends its session, and nobody else's.
            let _ = session(stream, &table, delay).await;
        }
    })
    .await;
}

async fn session(mut stream: TcpStream, table: &Mutex<Table>, delay: Duration) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(1024);
    let mut out = Vec::with_capacity(256);
    while let Some(line) = read_line(&mut stream, &mut buffer).await? {
        let command = Command::parse(&line);
        if !delay.is_zero() && !matches!(command, Ok(Command::Ping) | Err(_)) {
            tokio::time::sleep(delay).await;
        }
        out.clear();
        answer(table, command, &mut out);
        out.push(b'\n');
        stream.write_all(&out).await?;
    }
    Ok(())
}

fn answer(table: &Mutex<Table>, command: Result<Command<'_>, &str>, out: &mut Vec<u8>) {
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let found = |yes: bool| if yes { &b"OK"[..] } else { b"NONE" };
    match command {
        Ok(Command::Ping) => out.extend_from_slice(b"PONG"),
        Ok(Command::Get(key)) => match table.get(key) {
            Some(text) => {
                out.extend_from_slice(b"VALUE ");
                out.extend_from_slice(&text);
            }
            None => out.extend_from_slice(b"NONE"),
        },
        Ok(Command::Set(key, text)) => {
            table.set(key, text);
            out.extend_from_slice(b"OK");
        }
        Ok(Command::Del(key)) => out.extend_from_slice(found(table.delete(key))),
        Err(reason) => {
            out.extend_from_slice(b"ERROR ");
            out.extend_from_slice(reason.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_row_makes_room_and_seeded_rows_stay() {
        let mut table = Table::new(2, None);
        table.seed("item".into(), "seeded".into());
        for key in ["a", "b", "c"] {
            table.set(key, key);
        }
        assert_eq!(table.get("a"), None);
        assert_eq!(table.get("c"), Some("c".into()));
        assert_eq!(table.get("item"), Some("seeded".into()));
    }

    #[test]
    fn rewriting_and_deleting_leave_nothing_behind() {
        let mut table = Table::new(10, None);
        for _ in 0..100 {
            table.set("a", "1");
            assert!(table.delete("a"));
        }
        assert!(!table.delete("a"));
        assert!(table.ages.is_empty() && table.rows.is_empty());
    }

    #[test]
    fn an_expired_row_is_gone() {
        let mut table = Table::new(10, Some(Duration::ZERO));
        table.set("a", "1");
        assert_eq!(table.get("a"), None);
        assert!(table.rows.is_empty());
    }
}
