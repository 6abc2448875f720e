//! Who answers a gameday's questions: the answers file, `--yes`, or the people at the terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::answers::Answers;
use super::console;
use crate::base::text::{nearest, quoted};
use crate::base::units::{duration, show_duration};

/// How a gameday is answered.
#[derive(Clone, Default)]
pub struct GamedayConfig {
    /// Answers of a file.
    pub answers: Option<Answers>,
    /// What is in no file is answered with its default, with yes, or with the first choice.
    pub yes: bool,
    /// Whether there is a terminal to ask at.
    pub terminal: bool,
    /// Hides the progress while something is asked; shows it again.
    pub hush: Option<fn(bool)>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked.
    pub prompt: String,
    /// What kind of answer is wanted.
    pub wanted: Wanted,
    /// The answer if nobody gives another.
    pub default: Option<String>,
    /// How long there is to answer.
    pub timeout: Option<Duration>,
}

/// What kind of answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `yes` or `no`.
    Yes,
    /// One of these.
    One(Vec<String>),
    /// Any text.
    Text,
    /// A moment: the answer is how long to wait, or nothing.
    Mark,
    /// Nothing, unless somebody wants to stop: the answer is `stop`.
    Countdown(Duration),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer; `None` if time was up.
    pub answer: Option<String>,
    /// Who gave it: a user's name, `answers`, `--yes`, `timeout`.
    pub by: String,
}

/// Why there is no answer at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The file has none, and nobody is there.
    #[error("nobody answers {}: add it to the answers file, or use --yes", quoted(.0))]
    Nobody(String),
    /// The file has one that does not fit.
    #[error("the answer {} to {} does not fit: {}", quoted(.0), quoted(.1), .2)]
    Wrong(String, String, String),
    /// The terminal went away.
    #[error("the terminal is gone: {0}")]
    Gone(String),
}

/// Answers questions, one at a time.
pub struct Desk {
    config: GamedayConfig,
    answers: Mutex<Option<Answers>>,
}

impl Desk {
    /// A desk as the command line has it.
    #[must_use]
    pub fn new(config: GamedayConfig) -> Self {
        Self {
            answers: Mutex::new(config.answers.clone()),
            config,
        }
    }

    /// Whether anybody answers.
    #[must_use]
    pub fn is_manned(config: &GamedayConfig) -> bool {
        config.terminal || config.yes || config.answers.is_some()
    }

    /// Shows something to the people at the terminal.
    pub fn tell(&self, text: &str) {
        if self.config.terminal {
            self.hush(true);
            console::tell(text);
            self.hush(false);
        }
    }

    /// Asks; dropping the future takes the question back.
    ///
    /// # Errors
    ///
    /// Nobody answers, or not what was asked.
    pub async fn ask(&self, question: Question) -> Result<Reply, Unanswered> {
        let given = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.as_mut().and_then(|all| all.next(&question.prompt))
        };
        if let Some(answer) = given {
            let fitting = question.fit(&answer).map_err(|problem| {
                Unanswered::Wrong(answer.clone(), question.prompt.clone(), problem)
            })?;
            wait(&question, Some(&fitting)).await;
            return Ok(Reply {
                answer: Some(fitting),
                by: "answers".to_owned(),
            });
        }
        if self.config.yes || (!self.config.terminal && question.needs_nobody()) {
            wait(&question, None).await;
            let by = if self.config.yes { "--yes" } else { "" };
            return Ok(Reply {
                answer: question.usual(),
                by: by.to_owned(),
            });
        }
        if !self.config.terminal {
            return Err(Unanswered::Nobody(question.prompt));
        }
        self.hush(true);
        let shown = Shown(self);
        let reply = console::ask(question).await;
        drop(shown);
        reply
    }

    fn hush(&self, on: bool) {
        if let Some(hush) = self.config.hush {
            hush(on);
        }
    }
}

/// Shows the progress again, also when the question was taken back.
struct Shown<'a>(&'a Desk);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.hush(false);
    }
}

/// Lets the time pass that a mark or a countdown takes.
async fn wait(question: &Question, answer: Option<&str>) {
    let time = match &question.wanted {
        Wanted::Countdown(time) if answer != Some("stop") => *time,
        Wanted::Mark => answer
            .and_then(|text| duration(text).ok())
            .unwrap_or_default(),
        _ => return,
    };
    tokio::time::sleep(time.min(question.timeout.unwrap_or(time))).await;
}

impl Question {
    /// An answer as it counts.
    ///
    /// # Errors
    ///
    /// It is none to this question: what to write.
    pub fn fit(&self, answer: &str) -> Result<String, String> {
        let answer = answer.trim();
        match &self.wanted {
            Wanted::Yes => match answer.to_ascii_lowercase().as_str() {
                "y" | "yes" | "true" => Ok("yes".to_owned()),
                "n" | "no" | "false" => Ok("no".to_owned()),
                _ => Err("write yes or no".to_owned()),
            },
            Wanted::One(all) => {
                let number = answer.parse::<usize>().ok();
                let numbered = number.and_then(|number| all.get(number.checked_sub(1)?));
                let same = all.iter().find(|one| one.eq_ignore_ascii_case(answer));
                same.or(numbered).cloned().ok_or_else(|| {
                    nearest(answer, all.iter().map(String::as_str)).map_or_else(
                        || format!("write one of {}", all.join(", ")),
                        |near| format!("did you mean {}?", quoted(near)),
                    )
                })
            }
            Wanted::Text => Ok(answer.to_owned()),
            Wanted::Mark => match answer {
                "" | "yes" => Ok(String::new()),
                text => match duration(text) {
                    Ok(time) => Ok(show_duration(time)),
                    Err(_) => Err("write how long it takes, such as 2s".to_owned()),
                },
            },
            Wanted::Countdown(_) => match answer {
                "stop" | "s" | "no" => Ok("stop".to_owned()),
                _ => Ok(String::new()),
            },
        }
    }

    /// The answer of `--yes`, and of a time-out for what has a default.
    fn usual(&self) -> Option<String> {
        self.default.clone().or_else(|| match &self.wanted {
            Wanted::Yes => Some("yes".to_owned()),
            Wanted::One(all) => all.first().cloned(),
            Wanted::Text | Wanted::Mark | Wanted::Countdown(_) => Some(String::new()),
        })
    }

    /// The answer that a walk through the script assumes.
    #[must_use]
    pub fn assumed(&self) -> Reply {
        Reply {
            answer: self.usual(),
            by: String::new(),
        }
    }

    /// Whether it goes on by itself.
    fn needs_nobody(&self) -> bool {
        matches!(self.wanted, Wanted::Countdown(_)) || self.default.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(wanted: Wanted) -> Question {
        Question {
            prompt: "?".to_owned(),
            wanted,
            default: None,
            timeout: None,
        }
    }

    #[test]
    fn answers_fit_their_question() {
        let yes = question(Wanted::Yes);
        assert_eq!(yes.fit(" Y "), Ok("yes".to_owned()));
        assert_eq!(yes.fit("false"), Ok("no".to_owned()));
        assert!(yes.fit("maybe").is_err());
        let one = question(Wanted::One(vec!["ana".to_owned(), "bo".to_owned()]));
        assert_eq!(one.fit("2"), Ok("bo".to_owned()));
        assert_eq!(one.fit("ANA"), Ok("ana".to_owned()));
        assert_eq!(one.fit("an").unwrap_err(), "did you mean \"ana\"?");
        assert!(one.fit("0").is_err() && one.fit("3").is_err());
        assert!(question(Wanted::Mark).fit("soon").is_err());
        let countdown = question(Wanted::Countdown(Duration::ZERO));
        assert_eq!(countdown.fit("s"), Ok("stop".to_owned()));
    }
}
