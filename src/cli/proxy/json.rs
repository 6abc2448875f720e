//! JSON as Go's decoder reads it: its error texts, numbers as they were written, keys in their order
//! and as often as they come.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// As written: whether it fits is up to the field.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How deeply values may be nested.
const DEPTH: usize = 256;

impl Json {
    /// The first value of a text; what follows it does not matter. The error is Go's text.
    pub fn first(text: &[u8]) -> Result<Self, String> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err("EOF".to_owned());
        }
        Scanner { text, at: 0 }.value(DEPTH)
    }

    /// What Go calls its type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth == 0 {
            return Err("exceeded max depth".to_owned());
        }
        match self.next_after_space()? {
            b'{' => self.object(depth - 1),
            b'[' => self.array(depth - 1),
            b'"' => self.string().map(Json::Text),
            b't' => self.literal("true", Json::Bool(true)),
            b'f' => self.literal("false", Json::Bool(false)),
            b'n' => self.literal("null", Json::Null),
            byte @ (b'-' | b'0'..=b'9') => self.number(byte),
            byte => Err(invalid(byte, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        let mut fields = Vec::new();
        loop {
            match self.next_after_space()? {
                b'"' => {}
                b'}' if fields.is_empty() => break,
                byte => {
                    let place = "looking for beginning of object key string";
                    return Err(invalid(byte, place));
                }
            }
            let key = self.string()?;
            match self.next_after_space()? {
                b':' => fields.push((key, self.value(depth)?)),
                byte => return Err(invalid(byte, "after object key")),
            }
            match self.next_after_space()? {
                b',' => {}
                b'}' => break,
                byte => return Err(invalid(byte, "after object key:value pair")),
            }
        }
        Ok(Json::Object(fields))
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        let mut items = Vec::new();
        if self.next_after_space()? == b']' {
            return Ok(Json::Array(items));
        }
        self.at -= 1;
        loop {
            items.push(self.value(depth)?);
            match self.next_after_space()? {
                b',' => {}
                b']' => return Ok(Json::Array(items)),
                byte => return Err(invalid(byte, "after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, String> {
        for wanted in &word.as_bytes()[1..] {
            let byte = self.next()?;
            if byte != *wanted {
                let wanted = char::from(*wanted);
                let place = format!("in literal {word} (expecting '{wanted}')");
                return Err(invalid(byte, &place));
            }
        }
        Ok(value)
    }

    fn number(&mut self, first: u8) -> Result<Json, String> {
        let begin = self.at - 1;
        let first = if first == b'-' {
            self.digit("in numeric literal")?
        } else {
            first
        };
        if first != b'0' {
            self.digits();
        }
        if self.take(b".") {
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if self.take(b"eE") {
            self.take(b"+-");
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        let written = String::from_utf8_lossy(&self.text[begin..self.at]);
        Ok(Json::Number(written.into_owned()))
    }

    /// What stands between quotes; what is no text becomes the sign for that, as in Go.
    fn string(&mut self) -> Result<String, String> {
        let mut units: Vec<u8> = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Ok(String::from_utf8_lossy(&units).into_owned()),
                b'\\' => {
                    let mut room = [0; 4];
                    units.extend_from_slice(self.escape()?.encode_utf8(&mut room).as_bytes());
                }
                byte @ 0..0x20 => return Err(invalid(byte, "in string literal")),
                byte => units.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        Ok(match self.next()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'\\' | b'/' | b'"') => char::from(byte),
            b'u' => self.unit()?,
            byte => return Err(invalid(byte, "in string escape code")),
        })
    }

    /// A character written as one or two UTF-16 units.
    fn unit(&mut self) -> Result<char, String> {
        let high = self.hexadecimal()?;
        let here = self.at;
        if (0xd800..0xdc00).contains(&high) && self.text[here..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hexadecimal()?;
            if let Some(Ok(pair)) = char::decode_utf16([high, low]).next() {
                return Ok(pair);
            }
            self.at = here;
        }
        Ok(char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u16, String> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.next()?;
            let digit = char::from(byte).to_digit(16);
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            let place = "in \\u hexadecimal character escape";
            unit = unit << 4 | digit.ok_or_else(|| invalid(byte, place))?;
        }
        Ok(unit)
    }

    fn digit(&mut self, place: &str) -> Result<u8, String> {
        let byte = self.next()?;
        if byte.is_ascii_digit() {
            return Ok(byte);
        }
        Err(invalid(byte, place))
    }

    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn take(&mut self, any: &[u8]) -> bool {
        let found = self
            .text
            .get(self.at)
            .is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Result<u8, String> {
        let byte = self.text.get(self.at).copied();
        self.at += 1;
        byte.ok_or_else(|| "unexpected EOF".to_owned())
    }

    fn next_after_space(&mut self) -> Result<u8, String> {
        loop {
            match self.next()? {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                byte => return Ok(byte),
            }
        }
    }
}

/// Go shows a byte as the character of that number, quoted.
fn invalid(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        0..0x20 | 0x7f => format!("\\x{byte:02x}"),
        0x80..=0xa0 | 0xad => format!("\\u{byte:04x}"),
        byte => char::from(byte).to_string(),
    };
    format!("invalid character '{shown}' {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, and what Go says of them.
    const ERRORS: &[(&str, &str)] = &[
        ("", "EOF"),
        (" \n", "EOF"),
        ("{\"a\":", "unexpected EOF"),
        ("nul", "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            "{'a':1}",
            "invalid character '\\'' looking for beginning of object key string",
        ),
        (
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        ("{\"a\"}", "invalid character '}' after object key"),
        (
            "{\"a\":01}",
            "invalid character '1' after object key:value pair",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        ("[-]", "invalid character ']' in numeric literal"),
        (
            "[1.]",
            "invalid character ']' after decimal point in numeric literal",
        ),
        (
            "[1e]",
            "invalid character ']' in exponent of numeric literal",
        ),
        (
            "[tru]",
            "invalid character ']' in literal true (expecting 'e')",
        ),
        ("\"\u{1}\"", "invalid character '\\x01' in string literal"),
        ("\"\\q\"", "invalid character 'q' in string escape code"),
        (
            "\"\\u12\"",
            "invalid character '\"' in \\u hexadecimal character escape",
        ),
    ];

    #[test]
    fn errors_are_go_s() {
        for (text, wanted) in ERRORS {
            let wanted = Err((*wanted).to_owned());
            assert_eq!(Json::first(text.as_bytes()), wanted, "{text}");
        }
        let latin = "invalid character 'ÿ' looking for beginning of value";
        assert_eq!(Json::first(b"\xff"), Err(latin.to_owned()));
        let deep = "[".repeat(100_000);
        let wanted = Err("exceeded max depth".to_owned());
        assert_eq!(Json::first(deep.as_bytes()), wanted);
    }

    #[test]
    fn values_are_kept_as_they_were_written() {
        let number = |text: &str| Json::Number(text.to_owned());
        let text = |text: &str| Json::Text(text.to_owned());
        for (json, wanted) in [
            ("1e999", number("1e999")),
            (" -0 ", number("-0")),
            ("truex", Json::Bool(true)),
            ("null null", Json::Null),
            (r#""\u00e9\ud83d\ude00\n\/""#, text("é😀\n/")),
            (r#""\ud800\u0041""#, text("\u{fffd}A")),
            ("[]", Json::Array(Vec::new())),
            ("[1 , \"\"]", Json::Array(vec![number("1"), text("")])),
        ] {
            assert_eq!(Json::first(json.as_bytes()), Ok(wanted), "{json}");
        }
        let twice = Json::first(br#"{"a":1,"a":{}}"#).unwrap();
        let fields = vec![
            ("a".to_owned(), number("1")),
            ("a".to_owned(), Json::Object(Vec::new())),
        ];
        assert_eq!(twice, Json::Object(fields));
    }
}
