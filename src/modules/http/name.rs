//! What requests are called in metrics: the path of the URL, without what differs in each.

/// Longer names are cut.
const LONGEST: usize = 200;

/// The path with numbers, UUIDs and long hexadecimal segments replaced by `:id`.
pub(super) fn of_path(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            name.push('/');
        }
        name.push_str(if is_id(segment) { ":id" } else { segment });
    }
    if name.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| name.is_char_boundary(*at));
        name.truncate(end.unwrap_or(0));
    }
    name
}

fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    if bytes.is_empty() {
        return false;
    }
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == bytes.len() {
        return true;
    }
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    // A word such as "facade" is hexadecimal too; identifiers are long and have digits.
    (hex && bytes.len() >= 12 && digits > 0) || is_uuid(bytes)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_each_request_is_left_out() {
        let table = [
            ("/", "/"),
            ("/items", "/items"),
            ("/items/17", "/items/:id"),
            ("/items/17/parts/8/", "/items/:id/parts/:id/"),
            ("/o/123e4567-e89b-42d3-a456-426614174000", "/o/:id"),
            ("/c/4f2a9c0d1b7e4f2a", "/c/:id"),
            ("/facade/v2/x1", "/facade/v2/x1"),
        ];
        for (path, name) in table {
            assert_eq!(of_path(path), name);
        }
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = of_path(&format!("/{}", "ä".repeat(300)));
        assert!(name.len() <= LONGEST && name.len() > LONGEST - 2);
    }
}
