//! How healing ends when a fault has several parts, and what every heal needs: reading records, waiting for effects.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::life::Healed;
use super::trouble::Trouble;
pub(in crate::fault) use crate::base::wait::within;

/// The outcome of several heals: any error, else any drift, else whether anything was put back.
pub(in crate::fault) fn worst(
    outcomes: impl Iterator<Item = Result<Healed, Trouble>>,
) -> Result<Healed, Trouble> {
    let rank = |healed: &Healed| match healed {
        Healed::Vanished => 0,
        Healed::Unchanged => 1,
        Healed::Restored => 2,
        Healed::Drifted(_) => 3,
    };
    let (mut worst, mut error) = (None, None);
    for outcome in outcomes {
        match outcome {
            // The others must be healed all the same.
            Err(one) => error = error.or(Some(one)),
            Ok(healed) => {
                if worst
                    .as_ref()
                    .is_none_or(|other| rank(&healed) > rank(other))
                {
                    worst = Some(healed);
                }
            }
        }
    }
    error.map_or(Ok(worst.unwrap_or(Healed::Unchanged)), Err)
}

/// What was come by of those that are still there. Processes end at any time, also between being found and being
/// touched: that some have is no mistake as long as others are left.
///
/// # Errors
///
/// Any but [`Trouble::Vanished`]; that one if nobody is left.
pub(in crate::fault) fn remaining<T>(
    all: impl Iterator<Item = Result<T, Trouble>>,
) -> Result<Vec<T>, Trouble> {
    let (mut left, mut ended) = (Vec::new(), None);
    for one in all {
        match one {
            Err(trouble @ Trouble::Vanished(_)) => ended = Some(trouble),
            one => left.push(one?),
        }
    }
    match ended {
        Some(trouble) if left.is_empty() => Err(trouble),
        _ => Ok(left),
    }
}

/// Waits at most a second for something that the kernel does soon.
pub(in crate::fault) fn until(done: impl Fn() -> bool) -> bool {
    within(Duration::from_secs(1), done)
}

/// Reads what a journal's record says.
pub(in crate::fault) fn recorded<T: DeserializeOwned>(undo: &Value) -> Result<T, Trouble> {
    serde_json::from_value(undo.clone())
        .map_err(|error| Trouble::Failed(format!("the journal's record is unreadable: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worst_is_said() {
        let drifted = || Healed::Drifted("other".to_owned());
        let all = [Healed::Vanished, drifted(), Healed::Restored];
        assert_eq!(worst(all.into_iter().map(Ok)), Ok(drifted()));
        let failed = Trouble::Failed("stays".to_owned());
        let all = [Err(failed.clone()), Ok(Healed::Restored)];
        assert_eq!(worst(all.into_iter()), Err(failed));
        assert_eq!(worst(std::iter::empty()), Ok(Healed::Unchanged));
    }

    #[test]
    fn some_may_have_ended_but_not_all() {
        let ended = || Err(Trouble::Vanished("gone".to_owned()));
        assert_eq!(
            remaining([ended(), Ok(1), ended()].into_iter()),
            Ok(vec![1])
        );
        assert!(matches!(
            remaining::<i32>([ended()].into_iter()),
            Err(Trouble::Vanished(_))
        ));
        assert_eq!(remaining(std::iter::empty::<Result<i32, _>>()), Ok(vec![]));
        let failed = Trouble::Failed("no".to_owned());
        let all = [Ok(1), Err(failed.clone()), ended()];
        assert_eq!(remaining(all.into_iter()), Err(failed));
    }
}
