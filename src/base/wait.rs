//! Waiting for what the kernel or another process does soon. It blocks: for threads of their own, never for async code.

use std::time::{Duration, Instant};

/// Waits until `done`, at most for `limit`; looks often at first and ten times a second later on. Whether it was done.
pub fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let limit = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    while !done() {
        if Instant::now() > limit {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_again_until_the_time_is_up() {
        let mut looks = 0;
        assert!(within(Duration::from_secs(10), || {
            looks += 1;
            looks == 3
        }));
        let begin = Instant::now();
        assert!(!within(Duration::from_millis(20), || false));
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }
}
