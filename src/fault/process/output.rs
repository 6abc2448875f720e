//! The last of what a spawned program has written, kept in bounded space.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// How much is kept.
const KEPT: usize = 256 << 10;

/// Standard output and error of one program, as they came.
#[derive(Clone, Default)]
pub(in crate::fault) struct Output(Arc<Mutex<Ring>>);

#[derive(Default)]
struct Ring {
    kept: VecDeque<u8>,
    dropped: u64,
}

impl Output {
    /// Reads until the other end is closed, on a thread of its own.
    pub(in crate::fault) fn read(
        &self,
        mut from: impl Read + Send + 'static,
    ) -> std::io::Result<()> {
        let output = self.clone();
        let read = move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                output.keep(&chunk[..count]);
            }
        };
        std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(read)?;
        Ok(())
    }

    fn keep(&self, bytes: &[u8]) {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.kept.extend(bytes);
        let over = ring.kept.len().saturating_sub(KEPT);
        ring.kept.drain(..over);
        ring.dropped += over as u64;
    }

    /// All that is kept, from the beginning of a line.
    pub(in crate::fault) fn text(&self) -> String {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = ring.dropped > 0;
        let bytes = ring.kept.make_contiguous();
        let text = String::from_utf8_lossy(bytes);
        if !cut {
            return text.into_owned();
        }
        text.split_once('\n')
            .map_or_else(String::new, |(_, rest)| rest.to_owned())
    }

    /// The last lines, for a message; nothing where nothing was written.
    pub(in crate::fault) fn tail(&self, lines: usize) -> String {
        let text = self.text();
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_it_is_kept_in_whole_lines() {
        let output = Output::default();
        assert_eq!(output.tail(3), "");
        for number in 0..100_000 {
            output.keep(format!("line {number}\n").as_bytes());
        }
        let text = output.text();
        assert!(
            text.len() <= KEPT && text.starts_with("line "),
            "{}",
            text.len()
        );
        assert_eq!(output.tail(2), "line 99998\nline 99999");
    }
}
