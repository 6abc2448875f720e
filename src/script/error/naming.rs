//! Names the expression that was nil, which Luau's message leaves out, from the source line.

use crate::base::text::nearest;

/// What every script can call besides the built-in modules.
const STANDARD: &[&str] = &[
    "assert",
    "error",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "print",
    "require",
    "select",
    "tonumber",
    "tostring",
    "type",
    "xpcall",
    "math",
    "string",
    "table",
    "coroutine",
    "os",
    "utf8",
    "bit32",
    "buffer",
    "setmetatable",
    "getmetatable",
    "rawget",
    "rawset",
    "unpack",
    "function",
    "if",
    "and",
    "or",
    "not",
    "return",
    "while",
    "until",
    "elseif",
    "in",
];

/// A clearer message, if the line leaves no doubt about what was nil.
pub(super) fn explain(message: &str, line: &str, source: &str, known: &[String]) -> Option<String> {
    if message == "attempt to call a nil value" {
        let (culprit, member) = called(line, known)?;
        let hint = nearest(
            member,
            words(source)
                .filter(|word| *word != member)
                .chain(known.iter().map(String::as_str))
                .chain(STANDARD[..15].iter().copied()),
        );
        let hint = hint.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        return Some(format!("`{culprit}` is nil, so it cannot be called{hint}"));
    }
    let field = message
        .strip_prefix("attempt to index nil with '")?
        .strip_suffix('\'')?;
    let owner = owner(line, field)?;
    Some(format!("`{owner}` is nil, so it has no field `{field}`"))
}

/// The one call on the line that is not to something known: the whole chain, and its last name.
fn called<'a>(line: &'a str, known: &[String]) -> Option<(&'a str, &'a str)> {
    let mut found = None;
    for (start, end) in chains(line) {
        let chain = &line[start..end];
        let after = line[end..].trim_start();
        let is_call = after.starts_with(['(', '{', '"', '\'']);
        let root = chain.split(['.', ':']).next()?;
        if !is_call || STANDARD.contains(&root) || known.iter().any(|name| name == root) {
            continue;
        }
        if found.is_some_and(|earlier| earlier != chain) {
            return None;
        }
        found = Some(chain);
    }
    let chain = found?;
    Some((chain, chain.rsplit(['.', ':']).next()?))
}

/// What stands before `.field` on the line, if it is one expression.
fn owner<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    let mut found = None;
    for (start, end) in chains(line) {
        let chain = &line[start..end];
        let mut at = start;
        for part in chain.split(['.', ':']) {
            if part == field && at > start {
                let before = &line[start..at - 1];
                if found.is_some_and(|earlier| earlier != before) {
                    return None;
                }
                found = Some(before);
            }
            at += part.len() + 1;
        }
    }
    found
}

/// Where chains of names such as `a.b:c` begin and end; strings and comments are skipped.
fn chains(line: &str) -> Vec<(usize, usize)> {
    let bytes = line.as_bytes();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'"' || byte == b'\'' || byte == b'`' {
            at += 1;
            while at < bytes.len() && bytes[at] != byte {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if bytes[at..].starts_with(b"--") {
            break;
        } else if is_word(byte) && !byte.is_ascii_digit() {
            let start = at;
            while at < bytes.len()
                && (is_word(bytes[at])
                    || (matches!(bytes[at], b'.' | b':')
                        && bytes.get(at + 1).is_some_and(|next| is_word(*next))))
            {
                at += 1;
            }
            // A chain that continues an expression, as in `f().x`, does not name its owner.
            let continues = start > 0 && matches!(bytes[start - 1], b'.' | b':');
            if !continues {
                found.push((start, at));
            }
        } else {
            at += 1;
        }
    }
    found
}

fn words(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 2 && !word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "attempt to call a nil value";

    fn known() -> Vec<String> {
        ["http", "check", "docker"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_nil_call_is_named_with_a_suggestion() {
        let source = "local function helper() end\n";
        let line = "    check(helpr(res), \"ok\") -- other()";
        let text = explain(CALL, line, source, &known()).unwrap();
        assert_eq!(
            text,
            "`helpr` is nil, so it cannot be called; did you mean `helper`?"
        );
        let text = explain(CALL, "cart.ad{ 1 }", "", &known()).unwrap();
        assert!(text.starts_with("`cart.ad` is nil"), "{text}");
        let text = explain(CALL, "chek(1)", "", &known()).unwrap();
        assert!(text.ends_with("did you mean `check`?"), "{text}");
    }

    #[test]
    fn doubt_leaves_the_message_alone() {
        assert_eq!(explain(CALL, "a(b())", "", &known()), None);
        assert_eq!(explain(CALL, "(x or y)()", "", &known()), None);
        assert_eq!(explain("something else", "a()", "", &known()), None);
    }

    #[test]
    fn the_owner_of_a_missing_field_is_named() {
        let text = explain(
            "attempt to index nil with 'port'",
            "dial(cfg.server.port)",
            "",
            &[],
        );
        assert_eq!(
            text.as_deref(),
            Some("`cfg.server` is nil, so it has no field `port`")
        );
        let two = "x = a.port + b.port";
        assert_eq!(
            explain("attempt to index nil with 'port'", two, "", &[]),
            None
        );
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in ["", "\"", "'\\", "ä.b()", "f(\"\\", "1.2.3()", "a.", "é"] {
            let _ = explain(CALL, line, line, &[]);
            let _ = explain("attempt to index nil with 'b'", line, line, &[]);
        }
    }
}
