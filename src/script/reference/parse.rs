//! Reads definition files: what they declare, with types and comments.

use super::token::{Token, Word, tokens};
use super::types::{Field, Function, Key, Parameter, Type};

/// Something that a file declares at its top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// Whether it is a type; otherwise a global.
    pub is_type: bool,
    /// What it is.
    pub kind: Type,
    /// What it means; may be empty.
    pub doc: String,
}

/// Reads a file: what it says of itself, and its declarations in order.
///
/// # Errors
///
/// The line that is not understood.
pub(super) fn parse(text: &str) -> Result<(String, Vec<Declaration>), String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        place: 0,
    };
    let about = parser.head();
    let mut all = Vec::new();
    loop {
        let doc = parser.doc();
        if parser.place == parser.tokens.len() {
            return Ok((about, all));
        }
        all.push(parser.declaration(doc)?);
    }
}

struct Parser {
    tokens: Vec<Token>,
    place: usize,
}

impl Parser {
    /// The comment at the top, if an empty line or another line's end sets it apart.
    fn head(&mut self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut last = 0;
        while let Some(Token {
            kind: Word::Comment(text),
            line,
        }) = self.tokens.get(self.place)
        {
            if last > 0 && *line > last + 1 {
                break;
            }
            last = *line;
            lines.push(text.clone());
            self.place += 1;
        }
        lines.join("\n")
    }

    /// The comment right above the next word; comments further up are left out.
    fn doc(&mut self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut last = 0;
        while let Some(token) = self.tokens.get(self.place) {
            let Word::Comment(text) = &token.kind else {
                if token.line > last + 1 {
                    lines.clear();
                }
                break;
            };
            if token.line > last + 1 {
                lines.clear();
            }
            last = token.line;
            lines.push(text.clone());
            self.place += 1;
        }
        lines.join("\n")
    }

    /// The place of the next word that is no comment; comments stay for whom they belong to.
    fn next(&self) -> usize {
        let rest = &self.tokens[self.place..];
        let comments = rest
            .iter()
            .take_while(|token| matches!(token.kind, Word::Comment(_)));
        self.place + comments.count()
    }

    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.next()).map(|token| &token.kind)
    }

    fn at(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Word::Mark(found)) if *found == mark)
    }

    /// Whether the word after the next one is a colon: a name comes first.
    fn named(&self) -> bool {
        let second = self.tokens.get(self.next() + 1);
        second.is_some_and(|token| token.kind == Word::Mark(":"))
    }

    fn eat(&mut self, mark: &str) -> bool {
        let there = self.at(mark);
        if there {
            self.place = self.next() + 1;
        }
        there
    }

    fn wrong<T>(&self, wanted: &str) -> Result<T, String> {
        let token = self.tokens.get(self.place).or(self.tokens.last());
        let (line, found) = token.map_or((0, String::new()), |token| {
            (token.line, format!("{:?}", token.kind))
        });
        Err(format!("line {line}: {wanted} expected, found {found}"))
    }

    fn want(&mut self, mark: &str) -> Result<(), String> {
        if self.eat(mark) {
            Ok(())
        } else {
            self.wrong(mark)
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Word::Name(name)) => {
                let name = name.clone();
                self.place = self.next() + 1;
                Ok(name)
            }
            _ => self.wrong("a name"),
        }
    }

    fn declaration(&mut self, doc: String) -> Result<Declaration, String> {
        let mut word = self.name()?;
        if word == "export" {
            word = self.name()?;
        }
        let name = self.name()?;
        match (word.as_str(), name.as_str()) {
            ("type", _) => {
                self.generics()?;
                self.want("=")?;
                let kind = self.union()?;
                let is_type = true;
                Ok(Declaration {
                    name,
                    is_type,
                    kind,
                    doc,
                })
            }
            ("declare", "function") => {
                let name = self.name()?;
                self.generics()?;
                let parameters = self.parameters()?;
                let returns = if self.eat(":") {
                    self.union()?
                } else {
                    Type::Pack(Vec::new())
                };
                Ok(Declaration {
                    name,
                    is_type: false,
                    kind: Type::Function(Function {
                        parameters,
                        returns: Box::new(returns),
                    }),
                    doc,
                })
            }
            ("declare", _) => {
                self.want(":")?;
                Ok(Declaration {
                    name,
                    is_type: false,
                    kind: self.union()?,
                    doc,
                })
            }
            _ => self.wrong("type or declare"),
        }
    }

    /// `<A..., R>`, which say nothing to a reader.
    fn generics(&mut self) -> Result<(), String> {
        if self.eat("<") {
            while !self.eat(">") {
                self.name()?;
                let _ = self.eat("...") | self.eat(",");
            }
        }
        Ok(())
    }

    fn union(&mut self) -> Result<Type, String> {
        let _ = self.eat("|");
        let mut all = vec![self.both()?];
        while self.eat("|") {
            all.push(self.both()?);
        }
        Ok(one_or(all, Type::Union))
    }

    fn both(&mut self) -> Result<Type, String> {
        let _ = self.eat("&");
        let mut all = vec![self.optional()?];
        while self.eat("&") {
            all.push(self.optional()?);
        }
        Ok(one_or(all, Type::Both))
    }

    fn optional(&mut self) -> Result<Type, String> {
        let mut kind = self.single()?;
        while self.eat("?") {
            kind = Type::Optional(Box::new(kind));
        }
        Ok(kind)
    }

    fn single(&mut self) -> Result<Type, String> {
        if self.at("<") {
            self.generics()?;
        }
        if self.at("{") {
            return self.table();
        }
        if self.at("(") {
            return self.parenthesised();
        }
        if self.eat("...") {
            return Ok(Type::Many(Box::new(self.optional()?)));
        }
        if let Some(Word::Text(text)) = self.peek() {
            let text = text.clone();
            self.place = self.next() + 1;
            return Ok(Type::Text(text));
        }
        let name = self.name()?;
        if self.eat("...") {
            return Ok(Type::Many(Box::new(Type::Name(
                "any".to_owned(),
                Vec::new(),
            ))));
        }
        let mut inner = Vec::new();
        if self.eat("<") {
            while !self.eat(">") {
                inner.push(self.union()?);
                let _ = self.eat(",");
            }
        }
        Ok(Type::Name(name, inner))
    }

    fn parenthesised(&mut self) -> Result<Type, String> {
        let mut parameters = self.parameters()?;
        if self.eat("->") {
            return Ok(Type::Function(Function {
                parameters,
                returns: Box::new(self.optional()?),
            }));
        }
        if parameters.len() == 1 && parameters[0].name.is_empty() {
            return Ok(parameters.remove(0).kind);
        }
        Ok(Type::Pack(parameters))
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, String> {
        self.want("(")?;
        let mut all = Vec::new();
        while !self.eat(")") {
            let mut name = String::new();
            if self.named() {
                name = if self.eat("...") {
                    "...".to_owned()
                } else {
                    self.name()?
                };
                self.want(":")?;
            }
            let kind = self.union()?;
            all.push(Parameter { name, kind });
            let _ = self.eat(",");
        }
        Ok(all)
    }

    fn table(&mut self) -> Result<Type, String> {
        self.want("{")?;
        let mut fields: Vec<Field> = Vec::new();
        loop {
            let doc = self.doc();
            if self.eat("}") {
                return Ok(Type::Table(fields));
            }
            let named = self.named();
            let key = if self.eat("[") {
                let key = self.union()?;
                self.want("]")?;
                self.want(":")?;
                Key::Any(key)
            } else if named {
                let name = self.name()?;
                self.want(":")?;
                Key::Name(name)
            } else {
                Key::Element
            };
            let kind = self.union()?;
            fields.push(Field { key, kind, doc });
            let _ = self.eat(",") || self.eat(";");
        }
    }
}

fn one_or(mut all: Vec<Type>, several: fn(Vec<Type>) -> Type) -> Type {
    if all.len() == 1 {
        all.remove(0)
    } else {
        several(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let (_, all) = parse(&format!("-- x: y\n\ndeclare a: {text}")).unwrap();
        all[0].kind.to_string()
    }

    #[test]
    fn types_are_read_and_written_alike() {
        for text in [
            "string?",
            "{ [string]: any }",
            "{ T }",
            "(self: Rows<Row>, options: { wrap: boolean? }?) -> Row?",
            "(value: any) -> (any, string?)",
            "(string | buffer)?",
            "\"on\" | \"off\"",
            "((a: number) -> ()) & { b: string }",
            "Rows<{ [string]: string }>",
            "(run: (...any) -> ...any, ...: ...any) -> ...any",
        ] {
            let expected = text.replace("((a: number) -> ())", "(a: number) -> ()");
            assert_eq!(shown(text), expected);
        }
        assert_eq!(
            shown("<T>(list: { T }?) -> { T }"),
            "(list: { T }?) -> { T }"
        );
    }

    #[test]
    fn comments_belong_to_what_is_below_them() {
        let text = "-- m: a module.\n-- Two lines.\n\n-- lost\n\n-- Of a.\n-- Still.\ndeclare a: {\n    -- Of b. {,\n    b: string, c: number,\n}\n";
        let (about, all) = parse(text).unwrap();
        assert_eq!(about, "m: a module.\nTwo lines.");
        assert_eq!(all[0].doc, "Of a.\nStill.");
        let fields = all[0].kind.fields();
        assert_eq!(
            (fields[0].doc.as_str(), fields[1].doc.as_str()),
            ("Of b. {,", "")
        );
    }

    #[test]
    fn what_is_no_definition_is_told_with_its_line() {
        assert!(
            parse("\ndeclare a = 1")
                .unwrap_err()
                .starts_with("line 2: ")
        );
        assert!(parse("local a").unwrap_err().contains("line 1"));
        assert!(parse("declare a: {").is_err());
    }
}
