//! Indented JSON whose lists of plain values stay on one line: a curve is a line, not a page.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// The formatter; two spaces a level.
#[derive(Debug, Default)]
pub(super) struct Pretty {
    /// Open objects and lists: whether it is a list, and whether it has become a block of lines.
    open: Vec<Level>,
    /// What stands before the next value in a list, once it is known what kind of value it is.
    pending: Option<First>,
}

#[derive(Debug)]
struct Level {
    list: bool,
    block: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct First(bool);

impl Pretty {
    fn line<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        let levels = self.open.iter().filter(|level| level.block).count();
        (0..levels).try_for_each(|_| writer.write_all(b"  "))
    }

    /// Writes what stands before a value of a list; one that has members begins a line.
    fn value<W: Write + ?Sized>(&mut self, writer: &mut W, has_members: bool) -> io::Result<()> {
        let Some(First(first)) = self.pending.take() else {
            return Ok(());
        };
        if has_members && let Some(level) = self.open.last_mut() {
            level.block = true;
        }
        let block = self.open.last().is_some_and(|level| level.block);
        if !first {
            writer.write_all(b",")?;
        }
        match (block, first) {
            (true, _) => self.line(writer),
            (false, false) => writer.write_all(b" "),
            (false, true) => Ok(()),
        }
    }

    fn end<W: Write + ?Sized>(&mut self, writer: &mut W, with: &[u8]) -> io::Result<()> {
        let closed = self.open.pop();
        if closed.is_some_and(|level| level.block) {
            self.line(writer)?;
        }
        writer.write_all(with)
    }
}

macro_rules! plain {
    ($($name:ident $kind:ty;)*) => {
        $(fn $name<W: Write + ?Sized>(&mut self, writer: &mut W, value: $kind) -> io::Result<()> {
            self.value(writer, false)?;
            serde_json::ser::CompactFormatter.$name(writer, value)
        })*
    };
}

impl Formatter for Pretty {
    plain! {
        write_bool bool;
        write_i64 i64;
        write_u64 u64;
        write_f64 f64;
        write_f32 f32;
        write_i32 i32;
        write_u32 u32;
        write_i16 i16;
        write_u16 u16;
        write_i8 i8;
        write_u8 u8;
    }

    fn write_null<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.value(writer, false)?;
        writer.write_all(b"null")
    }

    fn begin_string<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.value(writer, false)?;
        writer.write_all(b"\"")
    }

    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.value(writer, true)?;
        self.open.push(Level {
            list: true,
            block: false,
        });
        writer.write_all(b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        self.pending = Some(First(first));
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.value(writer, true)?;
        self.open.push(Level {
            list: false,
            block: false,
        });
        writer.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if let Some(level) = self.open.last_mut() {
            level.block = !level.list;
        }
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_plain_values_are_one_line() {
        let value = json!({
            "a": [1, 2.5, null, "x, [y]", true],
            "b": [{ "c": [] }, { "d": {} }],
            "e": [[1, 2], []],
        });
        let mut out = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(&mut out, Pretty::default());
        value.serialize(&mut json).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = r#"{
  "a": [1, 2.5, null, "x, [y]", true],
  "b": [
    {
      "c": []
    },
    {
      "d": {}
    }
  ],
  "e": [
    [1, 2],
    []
  ]
}"#;
        assert_eq!(text, expected);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
