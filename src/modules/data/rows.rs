//! What `data.csv` and the others return: rows by number, one after the other, or at random.

use std::sync::Arc;

use mlua::{Lua, LuaString, MetaMethod, MultiValue, Result, UserData, UserDataMethods, Value};

use super::table::Data;
use crate::modules::words;
use crate::script::{Options, current, misuse};

/// The rows of a file; the text is shared, the names of the columns are the machine's.
#[derive(Clone)]
pub(super) struct Rows {
    data: Arc<Data>,
    columns: Arc<[LuaString]>,
}

impl Rows {
    pub(super) fn new(lua: &Lua, data: Arc<Data>) -> Result<Self> {
        let columns = data.columns().iter().map(|name| lua.create_string(name));
        let columns: Vec<LuaString> = columns.collect::<Result<_>>()?;
        Ok(Self {
            data,
            columns: columns.into(),
        })
    }

    /// The row at a place counted from 0; nil past the end.
    fn at(&self, lua: &Lua, place: usize) -> Result<Value> {
        match self.data.row(place) {
            Some(row) => row.value(lua, &self.columns),
            None => Ok(Value::Nil),
        }
    }

    fn index(&self, lua: &Lua, key: &Value) -> Result<Value> {
        if let Some(number) = words::number(key) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be a whole number from 1; beyond the end is no row"
            )]
            let place = (number >= 1.0 && number.fract() == 0.0).then(|| number as usize - 1);
            return match place {
                Some(place) => self.at(lua, place),
                None => Ok(Value::Nil),
            };
        }
        let key = key.to_string()?;
        let known = ["next", "random"];
        let hint = match crate::base::text::nearest(&key, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write rows[1], #rows, rows:next() or rows:random()".to_owned(),
        };
        Err(misuse(lua, format!("rows have no `{key}`; {hint}")))
    }

    fn random(&self, lua: &Lua) -> Result<Value> {
        let count = self.data.len() as u64;
        let place = current()?.vu.rng.borrow_mut().below(count);
        self.at(lua, place as usize)
    }
}

impl UserData for Rows {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("next", |lua, this, options: Value| {
            let options = Options::read("rows:next", &["wrap"], lua, options)?;
            let wrap = options.optional("wrap")?.unwrap_or(false);
            match this.data.take(wrap) {
                Some(place) => this.at(lua, place),
                None => Ok(Value::Nil),
            }
        });
        methods.add_method("random", |lua, this, ()| this.random(lua));
        methods.add_meta_method(MetaMethod::Len, |_, this, ()| Ok(this.data.len()));
        methods.add_meta_method(MetaMethod::Index, |lua, this, key: Value| {
            this.index(lua, &key)
        });
        methods.add_meta_method(MetaMethod::Iter, |lua, this, ()| {
            let rows = this.clone();
            let mut place = 0;
            let next = lua.create_function_mut(move |lua, _: MultiValue| {
                let row = rows.at(lua, place)?;
                if row.is_nil() {
                    return Ok((Value::Nil, Value::Nil));
                }
                place += 1;
                #[expect(clippy::cast_precision_loss, reason = "Lua numbers are doubles")]
                let number = place as f64;
                Ok((Value::Number(number), row))
            })?;
            Ok(next)
        });
    }
}
