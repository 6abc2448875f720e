//! What the `http` natives of one machine remember.

use std::rc::Rc;

use mlua::{Lua, Result};

use super::response::Shape;
use super::samples::Samples;
use super::target::Targets;
use super::transport::Trust;

/// Caches of one machine, shared by its natives and virtual users.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) targets: Targets,
    pub(super) samples: Samples,
    pub(super) trust: Trust,
    pub(super) shape: Shape,
}

impl Machine {
    pub(super) fn new(lua: &Lua) -> Result<Rc<Self>> {
        Ok(Rc::new(Self {
            targets: Targets::default(),
            samples: Samples::default(),
            trust: Trust::default(),
            shape: Shape::new(lua)?,
        }))
    }
}
