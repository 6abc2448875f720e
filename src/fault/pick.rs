//! Which of the targets that match a fault acts on: one of them, a share of them, all; drawn from the run's seed.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::trouble::Trouble;
use crate::base::rng::Rng;

/// How many of those that match, and which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "mode", content = "value")]
pub enum Pick {
    /// One, at random.
    One,
    /// Every one.
    #[default]
    All,
    /// That many, at random; fewer matches are an error.
    Fixed(u64),
    /// That share (0 to 1), rounded up so that a share above zero is never nobody; at random.
    Percent(f64),
    /// A random share up to this one (0 to 1); at least one.
    RandomMaxPercent(f64),
}

impl Pick {
    /// The words that scripts write as the mode.
    pub const MODES: [&'static str; 5] = ["one", "all", "fixed", "percent", "random-max-percent"];

    /// Those of `matches` that it means, in the order given. The same seed, fault and matches give the same choice.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: a fixed number is above that of the matches. [`Trouble::Misuse`]: a share is
    /// outside 0 to 1.
    pub fn choose<T>(self, mut matches: Vec<T>, context: &Context) -> Result<Vec<T>, Trouble> {
        if matches.is_empty() {
            return Ok(matches);
        }
        let mut rng = Rng::derive(context.seed, &context.name, context.id);
        let wanted = self.count(matches.len(), &mut rng)?;
        within_blast(wanted, matches.len(), context.max_blast)?;
        let mut chosen: Vec<usize> = (0..matches.len()).collect();
        // Fisher and Yates, as far as it is needed.
        for place in 0..wanted {
            let left = (chosen.len() - place) as u64;
            let other = place + usize::try_from(rng.below(left)).unwrap_or_default();
            chosen.swap(place, other);
        }
        chosen.truncate(wanted);
        let mut place = 0;
        matches.retain(|_| {
            place += 1;
            chosen.contains(&(place - 1))
        });
        Ok(matches)
    }

    /// How many of `all` (at least one) are meant.
    fn count(self, all: usize, rng: &mut Rng) -> Result<usize, Trouble> {
        let share = |share: f64| -> Result<usize, Trouble> {
            if !(0.0..=1.0).contains(&share) {
                let text = format!("pick: a share of {share} is not between 0 and 1");
                return Err(Trouble::Misuse(text));
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "between zero and a number of targets"
            )]
            let count = (share * all as f64 - 1e-9).ceil().max(0.0) as usize;
            Ok(count.min(all))
        };
        match self {
            Self::One => Ok(1),
            Self::All => Ok(all),
            Self::Fixed(wanted) => match usize::try_from(wanted) {
                Ok(wanted) if wanted <= all => Ok(wanted),
                _ => {
                    let text = format!("pick: {wanted} are wanted and {all} match");
                    Err(Trouble::Precondition(text))
                }
            },
            Self::Percent(value) => share(value),
            Self::RandomMaxPercent(value) => {
                let most = share(value)?.max(1);
                let more = usize::try_from(rng.below(most as u64)).unwrap_or_default();
                Ok(1 + more)
            }
        }
    }

    /// As plan and messages show it: `one of them`.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::One => "one of them".to_owned(),
            Self::All => "all of them".to_owned(),
            Self::Fixed(count) => format!("{count} of them"),
            Self::Percent(share) => format!("{}% of them", share * 100.0),
            Self::RandomMaxPercent(share) => format!("at most {}% of them", share * 100.0),
        }
    }
}

/// Refuses to act on more than the operator allows. A selection that only one thing matches has no share.
fn within_blast(wanted: usize, all: usize, most: f64) -> Result<(), Trouble> {
    #[expect(clippy::cast_precision_loss, reason = "numbers of targets")]
    let share = wanted as f64 / all as f64;
    if all <= 1 || share <= most + 1e-9 {
        return Ok(());
    }
    Err(Trouble::Precondition(format!(
        "{wanted} of the {all} that match are {:.0}%, and --max-blast allows {:.0}%; pick fewer, as in \
         pick = {{ mode = \"percent\", value = \"{:.0}%\" }}",
        share * 100.0,
        most * 100.0,
        most * 100.0
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(pick: Pick, of: u32, seed: u64, id: u64) -> Vec<u32> {
        let context = Context {
            seed,
            id,
            ..Context::for_tests()
        };
        pick.choose((0..of).collect(), &context).unwrap()
    }

    #[test]
    fn no_more_than_the_operator_allows() {
        let context = Context {
            max_blast: 0.3,
            ..Context::for_tests()
        };
        let pick = |pick: Pick, of: u32| pick.choose((0..of).collect::<Vec<_>>(), &context);
        assert_eq!(pick(Pick::Fixed(3), 10).unwrap().len(), 3);
        assert_eq!(pick(Pick::All, 1).unwrap().len(), 1);
        let error = pick(Pick::All, 10).unwrap_err().to_string();
        assert!(
            error.starts_with("10 of the 10 that match are 100%"),
            "{error}"
        );
    }

    #[test]
    fn each_mode_takes_as_many_as_it_says() {
        assert_eq!(choose(Pick::All, 4, 1, 1), [0, 1, 2, 3]);
        assert_eq!(choose(Pick::One, 4, 1, 1).len(), 1);
        assert_eq!(choose(Pick::Fixed(3), 4, 1, 1).len(), 3);
        assert_eq!(choose(Pick::Percent(0.5), 4, 1, 1).len(), 2);
        assert_eq!(choose(Pick::Percent(0.3), 10, 1, 1).len(), 3);
        assert_eq!(choose(Pick::Percent(0.01), 4, 1, 1).len(), 1);
        assert_eq!(choose(Pick::Percent(0.0), 4, 1, 1).len(), 0);
        assert_eq!(choose(Pick::One, 0, 1, 1).len(), 0);
        for seed in 0..50 {
            let taken = choose(Pick::RandomMaxPercent(0.5), 10, seed, 1).len();
            assert!((1..=5).contains(&taken), "{taken}");
        }
    }

    #[test]
    fn a_seed_repeats_itself_and_every_target_has_its_turn() {
        let draw = |seed, id| choose(Pick::One, 5, seed, id);
        assert_eq!(draw(7, 3), draw(7, 3));
        let seen: std::collections::BTreeSet<_> = (0..100).map(|id| draw(7, id)).collect();
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn more_than_there_are_is_said() {
        let context = Context::for_tests();
        let error = Pick::Fixed(3).choose(vec![1, 2], &context).unwrap_err();
        assert_eq!(error.to_string(), "pick: 3 are wanted and 2 match");
        assert!(Pick::Percent(1.5).choose(vec![1], &context).is_err());
    }

    #[test]
    fn the_wire_form_is_what_scripts_write() {
        let wire = serde_json::json!({"mode": "random-max-percent", "value": 0.5});
        let pick: Pick = serde_json::from_value(wire).unwrap();
        assert_eq!(pick, Pick::RandomMaxPercent(0.5));
        let one: Pick = serde_json::from_value(serde_json::json!({"mode": "one"})).unwrap();
        assert_eq!(one, Pick::One);
    }
}
