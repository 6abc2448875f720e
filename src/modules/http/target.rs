//! Where requests go: URLs, parsed once each, with the name they have in metrics.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use url::Url;

use super::name;
use super::read::Read;
use crate::base::text::quoted;
use crate::metrics::IdState;

/// A URL and the name its requests have in metrics.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) url: Rc<Url>,
    pub(super) name: Name,
}

/// A name of requests: the text, and a number that tells it apart quickly.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) number: u32,
    pub(super) text: Rc<str>,
}

/// Past this many the tables begin anew; a script that makes up names would fill memory else.
const LIMIT: usize = 2048;

/// The URLs and names that one machine has seen lately.
#[derive(Debug, Default)]
pub(super) struct Targets {
    urls: RefCell<HashMap<Box<str>, Target, IdState>>,
    names: RefCell<HashMap<Rc<str>, u32, IdState>>,
    next: Cell<u32>,
}

impl Targets {
    /// The target that a text names.
    pub(super) fn find(&self, text: &str) -> Read<Target> {
        if let Some(known) = self.urls.borrow().get(text) {
            return Ok(known.clone());
        }
        let url = parse(text)?;
        let target = Target {
            name: self.name_of(&url),
            url: Rc::new(url),
        };
        let mut urls = self.urls.borrow_mut();
        if urls.len() >= LIMIT {
            urls.clear();
        }
        urls.insert(text.into(), target.clone());
        Ok(target)
    }

    /// The name of a URL that no option names.
    pub(super) fn name_of(&self, url: &Url) -> Name {
        self.named(&name::of_path(url.path()))
    }

    /// The name with this text.
    pub(super) fn named(&self, text: &str) -> Name {
        let mut names = self.names.borrow_mut();
        if let Some((text, number)) = names.get_key_value(text) {
            let (text, number) = (Rc::clone(text), *number);
            return Name { number, text };
        }
        if names.len() >= LIMIT {
            names.clear();
        }
        // Numbers are not used again, so that what is remembered by number cannot be mixed up.
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let text: Rc<str> = Rc::from(text);
        names.insert(Rc::clone(&text), number);
        Name { number, text }
    }
}

/// A URL that requests can go to.
pub(super) fn parse(text: &str) -> Read<Url> {
    let spelling = "write \"http://host:port/path\"";
    let url = Url::parse(text)
        .map_err(|error| format!("{} is not a URL ({error}); {spelling}", quoted(text)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "{} is neither http nor https; {spelling}",
            quoted(text)
        ));
    }
    Ok(url)
}

/// `path` under `base`, as a client with a base URL understands it.
pub(super) fn join(base: &str, path: &str) -> String {
    if path.starts_with("http://") || path.starts_with("https://") {
        return path.to_owned();
    }
    let base = base.trim_end_matches('/');
    let slash = if path.starts_with(['/', '?']) || path.is_empty() {
        ""
    } else {
        "/"
    };
    format!("{base}{slash}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_parsed_url() {
        let targets = Targets::default();
        let one = targets.find("http://127.0.0.1/items/1?x=2").unwrap();
        let same = targets.find("http://127.0.0.1/items/1?x=2").unwrap();
        let other = targets.find("http://127.0.0.1/items/2").unwrap();
        assert!(Rc::ptr_eq(&one.url, &same.url));
        assert_eq!(&*one.name.text, "/items/:id");
        assert_eq!(one.name.number, other.name.number);
        assert_ne!(targets.named("x").number, other.name.number);
    }

    #[test]
    fn what_is_no_url_is_told() {
        let targets = Targets::default();
        for bad in [
            "",
            "/items",
            "127.0.0.1:80/x",
            "ftp://h/",
            "http://",
            "http://[::1",
        ] {
            let problem = targets.find(bad).unwrap_err();
            assert!(problem.contains("write \"http://"), "{bad}: {problem}");
        }
    }

    #[test]
    fn memory_is_bounded_whatever_the_script_asks_for() {
        let targets = Targets::default();
        for n in 0..10_000 {
            targets.find(&format!("http://h/x{n}")).unwrap();
        }
        assert!(targets.urls.borrow().len() <= LIMIT);
        assert!(targets.names.borrow().len() <= LIMIT);
    }

    #[test]
    fn a_path_goes_under_its_base() {
        assert_eq!(join("http://h/v1/", "/a"), "http://h/v1/a");
        assert_eq!(join("http://h", "a?b"), "http://h/a?b");
        assert_eq!(join("http://h", "https://other/"), "https://other/");
    }
}
