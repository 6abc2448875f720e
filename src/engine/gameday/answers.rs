//! `--answers FILE`: what a gameday that runs by itself answers.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

/// Answers by what is asked: one, or a list where the same is asked several times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    by_prompt: HashMap<String, Vec<String>>,
    /// How many of each have been given.
    given: HashMap<String, usize>,
}

/// Why a file has no answers.
#[derive(Debug, thiserror::Error)]
pub enum AnswersError {
    /// It cannot be read.
    #[error("cannot read the answers in {0}: {1}")]
    Read(String, std::io::Error),
    /// It is no JSON object of answers.
    #[error("{0}: {1}; write {{\"Who leads?\": \"ana\", \"Go on?\": [true, false]}}")]
    Shape(String, String),
}

impl Answers {
    /// Reads a file: an object of prompts and answers.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, AnswersError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| AnswersError::Read(name.clone(), error))?;
        Self::parse(&text).map_err(|problem| AnswersError::Shape(name, problem))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Value::Object(object) = value else {
            return Err("it is no object".to_owned());
        };
        let mut by_prompt = HashMap::new();
        for (prompt, answer) in object {
            let answers = match &answer {
                Value::Array(all) => all.iter().map(one).collect(),
                answer => one(answer).map(|one| vec![one]),
            };
            let answers = answers.ok_or_else(|| format!("the answer to \"{prompt}\" is none"))?;
            by_prompt.insert(prompt, answers);
        }
        Ok(Self {
            by_prompt,
            given: HashMap::new(),
        })
    }

    /// The next answer to a prompt; the last of a list stays.
    pub fn next(&mut self, prompt: &str) -> Option<String> {
        let all = self.by_prompt.get(prompt)?;
        let given = self.given.entry(prompt.to_owned()).or_default();
        let answer = all.get(*given).or(all.last()).cloned();
        *given += 1;
        answer
    }
}

fn one(answer: &Value) -> Option<String> {
    match answer {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_given_in_their_order_and_the_last_stays() {
        let text = r#"{"Go on?": [true, false], "Who?": "ana", "How many?": 3}"#;
        let mut answers = Answers::parse(text).unwrap();
        let mut next = |prompt: &str| answers.next(prompt).unwrap_or_default();
        assert_eq!(
            [next("Go on?"), next("Go on?"), next("Go on?")],
            ["yes", "no", "no"]
        );
        assert_eq!(
            [next("Who?"), next("How many?"), next("?")],
            ["ana", "3", ""]
        );
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "[]", r#"{"a": {}}"#, r#"{"a": [[]]}"#] {
            assert!(Answers::parse(text).is_err(), "{text}");
        }
    }
}
