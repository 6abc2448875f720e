//! The rows of a file in memory, once per process.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Row;

/// How a file with separated values is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CsvOptions {
    pub(super) separator: u8,
    /// Whether the first line holds the names of the columns.
    pub(super) header: bool,
    /// Names of the columns, instead of those of the header.
    pub(super) columns: Option<Vec<String>>,
}

/// Rows as text; each becomes a value of Lua when a script asks for it.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// All text, without what separates it.
    text: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
    /// Names of the columns; empty if a row is a single text.
    columns: Vec<String>,
    shape: Shape,
    next: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shape {
    #[default]
    Text,
    Columns,
    Json,
    WholeJson,
}

impl Data {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self.shape {
            Shape::Columns => self.ends.len() / self.columns.len().max(1),
            _ => self.ends.len(),
        }
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The whole text of JSON that is no array.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.shape == Shape::WholeJson).then_some(&self.text)
    }

    /// A row, counted from 0.
    pub(super) fn row(&self, place: usize) -> Option<Row<'_>> {
        if place >= self.len() {
            return None;
        }
        Some(match self.shape {
            Shape::Columns => {
                let width = self.columns.len();
                let fields = place * width..(place + 1) * width;
                Row::Fields(fields.map(|field| self.field(field)).collect())
            }
            Shape::Json | Shape::WholeJson => Row::Json(self.field(place)),
            Shape::Text => Row::Text(self.field(place)),
        })
    }

    /// The place of a row that nobody in the process was given before; `None` past the end,
    /// unless it wraps.
    pub(super) fn take(&self, wrap: bool) -> Option<usize> {
        let count = self.len() as u64;
        if count == 0 {
            return None;
        }
        let taken = self.next.fetch_add(1, Ordering::Relaxed);
        let place = if wrap { taken % count } else { taken };
        (place < count).then_some(place as usize)
    }

    fn field(&self, place: usize) -> &[u8] {
        let start = match place.checked_sub(1) {
            Some(before) => self.ends[before],
            None => 0,
        };
        &self.text[start..self.ends[place]]
    }

    fn push(&mut self, field: &[u8]) {
        self.text.extend_from_slice(field);
        self.ends.push(self.text.len());
    }

    fn sealed(mut self) -> Self {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self
    }
}

type Loaded = Result<Data, String>;

/// Reads separated values; every row must have as many as there are columns.
pub(super) fn csv(bytes: &[u8], options: &CsvOptions) -> Loaded {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(options.separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(without_mark(bytes));
    let mut data = Data {
        shape: Shape::Columns,
        columns: options.columns.clone().unwrap_or_default(),
        ..Data::default()
    };
    let mut record = csv::ByteRecord::new();
    let mut first = true;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        if first && (options.header || data.columns.is_empty()) {
            let named = |(place, name): (usize, &[u8])| match options.header {
                true => String::from_utf8_lossy(name).trim().to_owned(),
                false => (place + 1).to_string(),
            };
            if data.columns.is_empty() {
                data.columns = record.iter().enumerate().map(named).collect();
                distinct(&data.columns)?;
            }
            first = false;
            if options.header {
                continue;
            }
        }
        first = false;
        if record.len() != data.columns.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!(
                "line {line} has {} fields, and there are {} columns",
                record.len(),
                data.columns.len()
            ));
        }
        record.iter().for_each(|field| data.push(field));
    }
    Ok(data.sealed())
}

fn distinct(columns: &[String]) -> Result<(), String> {
    for (place, name) in columns.iter().enumerate() {
        if columns[..place].contains(name) {
            let name = crate::base::text::quoted(name);
            return Err(format!(
                "two columns are called {name}; name them with `columns`"
            ));
        }
    }
    Ok(())
}

/// Reads the lines of a text; a last one that is empty is none.
pub(super) fn lines(bytes: &[u8]) -> Loaded {
    let mut data = Data::default();
    let text = without_mark(bytes);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if !text.is_empty() {
        for line in text.split(|byte| *byte == b'\n') {
            data.push(line.strip_suffix(b"\r").unwrap_or(line));
        }
    }
    Ok(data.sealed())
}

/// Reads JSON: the elements of an array are rows.
pub(super) fn json(bytes: &[u8]) -> Loaded {
    let tree: serde_json::Value =
        serde_json::from_slice(without_mark(bytes)).map_err(|error| error.to_string())?;
    let mut data = Data::default();
    match tree {
        serde_json::Value::Array(elements) => {
            data.shape = Shape::Json;
            for element in elements {
                data.push(element.to_string().as_bytes());
            }
        }
        other => {
            data.shape = Shape::WholeJson;
            data.push(other.to_string().as_bytes());
        }
    }
    Ok(data.sealed())
}

/// Text without the byte order mark that some programs begin files with.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(header: bool, columns: Option<&[&str]>) -> CsvOptions {
        CsvOptions {
            separator: b',',
            header,
            columns: columns.map(|all| all.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    fn fields(data: &Data, place: usize) -> Vec<String> {
        match data.row(place) {
            Some(Row::Fields(fields)) => fields
                .iter()
                .map(|field| String::from_utf8_lossy(field).into_owned())
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_header_names_the_columns() {
        let text = b"\xef\xbb\xbfuser, pass\nann,\"a,1\"\nbob,b2\n";
        let data = csv(text, &options(true, None)).unwrap();
        assert_eq!((data.len(), data.columns().len()), (2, 2));
        assert_eq!(data.columns(), ["user", "pass"]);
        assert_eq!(fields(&data, 0), ["ann", "a,1"]);
        assert_eq!(fields(&data, 1), ["bob", "b2"]);
        assert!(data.row(2).is_none());
    }

    #[test]
    fn columns_may_be_named_or_numbered() {
        let named = csv(b"1,2\n", &options(false, Some(&["a", "b"]))).unwrap();
        assert_eq!(
            (named.len(), named.columns()),
            (1, &["a".into(), "b".into()][..])
        );
        let renamed = csv(b"x,y\n1,2\n", &options(true, Some(&["a", "b"]))).unwrap();
        assert_eq!(
            (renamed.len(), fields(&renamed, 0)),
            (1, vec!["1".into(), "2".into()])
        );
        let numbered = csv(b"1,2\n", &options(false, None)).unwrap();
        assert_eq!(numbered.columns(), ["1", "2"]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_line() {
        let problem = csv(b"a,b\n1,2\n3\n", &options(true, None)).unwrap_err();
        assert_eq!(problem, "line 3 has 1 fields, and there are 2 columns");
        assert!(
            csv(b"a,a\n", &options(true, None))
                .unwrap_err()
                .contains("\"a\"")
        );
        assert_eq!(csv(b"", &options(true, None)).unwrap().len(), 0);
    }

    #[test]
    fn lines_lose_their_ends() {
        let data = lines(b"a\r\n\nb").unwrap();
        let all: Vec<_> = (0..data.len()).map(|n| data.field(n).to_vec()).collect();
        assert_eq!(all, [&b"a"[..], b"", b"b"]);
        assert_eq!(lines(b"a\n").unwrap().len(), 1);
        assert_eq!(lines(b"").unwrap().len(), 0);
    }

    #[test]
    fn an_array_has_rows_and_an_object_is_whole() {
        let rows = json(b"[{\"a\": 1}, 2]").unwrap();
        assert_eq!((rows.len(), rows.field(0)), (2, &b"{\"a\":1}"[..]));
        assert!(rows.whole().is_none());
        assert_eq!(
            json(b"{\"a\": []}").unwrap().whole(),
            Some(&b"{\"a\":[]}"[..])
        );
        assert!(json(b"[1,").is_err());
    }

    #[test]
    fn each_row_is_taken_once_unless_it_wraps() {
        let data = lines(b"a\nb\nc").unwrap();
        let taken: Vec<_> = (0..5).map(|_| data.take(false)).collect();
        assert_eq!(taken, [Some(0), Some(1), Some(2), None, None]);
        assert_eq!(data.take(true), Some(5 % 3));
        assert_eq!(lines(b"").unwrap().take(true), None);
    }
}
