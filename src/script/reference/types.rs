//! Types of the definition files, and how Luau writes them.

use std::fmt;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `string`, `Response`, `Rows<string>`.
    Name(String, Vec<Type>),
    /// A text that stands for itself.
    Text(String),
    /// A table with fields, or one of values by key, or a list.
    Table(Vec<Field>),
    /// A function.
    Function(Function),
    /// One of several.
    Union(Vec<Type>),
    /// All of several: overloads, or a function with fields.
    Both(Vec<Type>),
    /// That or nil.
    Optional(Box<Type>),
    /// Several values: `(any, string?)`.
    Pack(Vec<Parameter>),
    /// Any number of values.
    Many(Box<Type>),
}

/// A function's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub returns: Box<Type>,
}

/// A parameter, or a value of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; empty where the definition has none.
    pub name: String,
    /// Its type.
    pub kind: Type,
}

/// A field of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is called.
    pub key: Key,
    /// Its type.
    pub kind: Type,
    /// What it means; may be empty.
    pub doc: String,
}

/// What a field is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A name.
    Name(String),
    /// Any key of a type: `[string]`.
    Any(Type),
    /// The elements of a list.
    Element,
}

impl Field {
    /// Its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.key {
            Key::Name(name) => Some(name),
            _ => None,
        }
    }
}

impl Type {
    /// The fields with names, of a table or of the table among several types.
    #[must_use]
    pub fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Table(fields) => fields.iter().filter(|f| f.name().is_some()).collect(),
            Self::Both(all) | Self::Union(all) => all.iter().flat_map(Self::fields).collect(),
            Self::Optional(inner) => inner.fields(),
            _ => Vec::new(),
        }
    }

    /// The functions it can be called as; several where it is overloaded.
    #[must_use]
    pub fn functions(&self) -> Vec<&Function> {
        match self {
            Self::Function(function) => vec![function],
            Self::Both(all) => all.iter().flat_map(Self::functions).collect(),
            Self::Pack(inner) if inner.len() == 1 => inner[0].kind.functions(),
            _ => Vec::new(),
        }
    }

    /// The names of all types in it.
    pub fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Name(name, inner) => {
                found.push(name);
                inner.iter().for_each(|one| one.names(found));
            }
            Self::Text(_) => {}
            Self::Table(fields) => fields.iter().for_each(|field| {
                if let Key::Any(key) = &field.key {
                    key.names(found);
                }
                field.kind.names(found);
            }),
            Self::Function(function) => {
                let parameters = function.parameters.iter();
                parameters.for_each(|one| one.kind.names(found));
                function.returns.names(found);
            }
            Self::Union(all) | Self::Both(all) => all.iter().for_each(|one| one.names(found)),
            Self::Optional(inner) | Self::Many(inner) => inner.names(found),
            Self::Pack(all) => all.iter().for_each(|one| one.kind.names(found)),
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter, all: &[T], between: &str) -> fmt::Result {
    for (place, one) in all.iter().enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        write!(f, "{one}")?;
    }
    Ok(())
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{}: ", self.name)?;
        }
        write!(f, "{}", self.kind)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.key {
            Key::Name(name) => write!(f, "{name}: {}", self.kind),
            Key::Any(key) => write!(f, "[{key}]: {}", self.kind),
            Key::Element => write!(f, "{}", self.kind),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(")?;
        list(f, &self.parameters, ", ")?;
        write!(f, ") -> {}", self.returns)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Name(name, inner) if inner.is_empty() => f.write_str(name),
            Self::Name(name, inner) => {
                write!(f, "{name}<")?;
                list(f, inner, ", ")?;
                f.write_str(">")
            }
            Self::Text(text) => f.write_str(text),
            Self::Table(fields) if fields.is_empty() => f.write_str("{}"),
            Self::Table(fields) => {
                f.write_str("{ ")?;
                list(f, fields, ", ")?;
                f.write_str(" }")
            }
            Self::Function(function) => write!(f, "{function}"),
            Self::Union(all) => list(f, all, " | "),
            Self::Both(all) => list(f, all, " & "),
            Self::Optional(inner) => match **inner {
                Self::Union(_) | Self::Both(_) | Self::Function(_) => write!(f, "({inner})?"),
                _ => write!(f, "{inner}?"),
            },
            Self::Pack(all) => {
                f.write_str("(")?;
                list(f, all, ", ")?;
                f.write_str(")")
            }
            Self::Many(inner) => write!(f, "...{inner}"),
        }
    }
}
