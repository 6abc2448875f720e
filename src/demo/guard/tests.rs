//! What is let through, and what is refused.

use super::*;

fn breaker(open: Duration) -> Guard {
    Guard::new(&Protections {
        breaker: Some(BreakerOptions { failures: 2, open }),
        ..Protections::default()
    })
}

async fn ask(guard: &Guard, ok: bool) -> Result<(), Refused> {
    guard.enter().await.map(|leave| leave.done(ok))
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_one_success_closes_it() {
    let guard = breaker(Duration::from_secs(60));
    for ok in [false, true, false, false] {
        assert_eq!(ask(&guard, ok).await, Ok(()));
    }
    assert_eq!(ask(&guard, true).await, Err(Refused::Open));
    assert_eq!(guard.retry_after(), 60);
    *lock(&guard.circuit) = Circuit::Open {
        until: Instant::now(),
    };
    let tries = guard.enter().await.ok().unwrap();
    assert_eq!(ask(&guard, true).await, Err(Refused::Open), "one tries");
    tries.done(true);
    assert_eq!(ask(&guard, true).await, Ok(()));
    let mut text = String::new();
    guard.prometheus(&mut text);
    for line in [
        "breaker_state 0",
        "breaker_opened_total 1",
        "breaker_closed_total 1",
        "breaker_refused_total 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
    }
}

#[tokio::test]
async fn one_that_is_given_up_while_it_tries_lets_the_next_try() {
    let guard = breaker(Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(ask(&guard, false).await, Ok(()));
    }
    drop(guard.enter().await.ok().unwrap());
    assert_eq!(ask(&guard, true).await, Ok(()));
}

#[tokio::test]
async fn a_full_bulkhead_refuses() {
    let guard = Guard::new(&Protections {
        bulkhead: Some(BulkheadOptions {
            concurrent: 1,
            queue: 0,
        }),
        ..Protections::default()
    });
    let first = guard.enter().await.ok().unwrap();
    assert_eq!(ask(&guard, true).await, Err(Refused::Full));
    first.done(true);
    assert_eq!(ask(&guard, true).await, Ok(()));
    assert_eq!(guard.waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn the_rate_is_limited_and_says_until_when() {
    let guard = Guard::new(&Protections {
        rate_limit: Some(0.1),
        ..Protections::default()
    });
    assert_eq!(guard.admit(), Ok(()));
    assert_eq!(guard.admit(), Err(10));
}
