//! Bodies of several parts (`multipart/form-data`, RFC 7578), as browsers write them.

use bytes::Bytes;

/// A form of several parts, in order.
#[derive(Debug, Clone, Default)]
pub struct Multipart {
    /// The parts; several may have the same name.
    pub parts: Vec<Part>,
}

/// One field or file.
#[derive(Debug, Clone)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// The file's name; a part without one is a plain field.
    pub filename: Option<String>,
    /// The media type; left out if not set, as for plain fields.
    pub content_type: Option<String>,
    /// The content, sent as it is.
    pub data: Bytes,
}

impl Multipart {
    /// The value of `content-type` and the body. `boundary` comes from the run's seeded generator;
    /// it is changed if a part happens to contain it.
    #[must_use]
    pub fn encode(&self, boundary: u64) -> (String, Bytes) {
        let boundary = self.free_boundary(boundary);
        let size: usize = self.parts.iter().map(|part| part.data.len() + 256).sum();
        let mut body = Vec::with_capacity(size);
        for part in &self.parts {
            let mut head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
                escaped(&part.name)
            );
            if let Some(filename) = &part.filename {
                head.push_str(&format!("; filename=\"{}\"", escaped(filename)));
            }
            if let Some(content_type) = &part.content_type {
                let clean = content_type.replace(['\r', '\n'], " ");
                head.push_str(&format!("\r\nContent-Type: {clean}"));
            }
            head.push_str("\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&part.data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (
            format!("multipart/form-data; boundary={boundary}"),
            body.into(),
        )
    }

    /// Each part can rule out only as many boundaries as it is long, so the search ends.
    fn free_boundary(&self, mut number: u64) -> String {
        loop {
            let boundary = format!("rchaos-{number:016x}");
            let taken = self
                .parts
                .iter()
                .any(|part| contains(&part.data, boundary.as_bytes()));
            if !taken {
                return boundary;
            }
            number = number.wrapping_add(1);
        }
    }
}

fn contains(data: &[u8], wanted: &[u8]) -> bool {
    let mut rest = data;
    while let Some(at) = rest.iter().position(|&byte| byte == wanted[0]) {
        if rest[at..].starts_with(wanted) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// As the HTML standard escapes names within quotes.
fn escaped(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, data: &'static str) -> Part {
        Part {
            name: name.to_owned(),
            filename: None,
            content_type: None,
            data: Bytes::from_static(data.as_bytes()),
        }
    }

    #[test]
    fn fields_and_files_are_written_as_browsers_write_them() {
        let file = Part {
            filename: Some("a\"b.txt".into()),
            content_type: Some("text/plain".into()),
            ..part("up", "content")
        };
        let form = Multipart {
            parts: vec![part("x", "1"), file],
        };
        let (content_type, body) = form.encode(1);
        assert_eq!(
            content_type,
            "multipart/form-data; boundary=rchaos-0000000000000001"
        );
        let expected = "--rchaos-0000000000000001\r\n\
            Content-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n\
            --rchaos-0000000000000001\r\n\
            Content-Disposition: form-data; name=\"up\"; filename=\"a%22b.txt\"\r\n\
            Content-Type: text/plain\r\n\r\ncontent\r\n\
            --rchaos-0000000000000001--\r\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn a_boundary_within_a_part_is_avoided() {
        let form = Multipart {
            parts: vec![part(
                "x",
                "a rchaos-0000000000000001 b rrchaos-0000000000000002",
            )],
        };
        assert!(form.encode(1).0.ends_with("rchaos-0000000000000003"));
    }
}
