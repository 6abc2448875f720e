//! A machine with one virtual user, for the tests of this folder.

use std::rc::Rc;
use std::sync::Arc;

use mlua::{FromLuaMulti, Function, Lua, Table, Value};

use super::{
    Module, Pulse, Scoped, ScriptError, Sources, Task, Verb, Vm, VmOptions, Vu, VuOptions,
};

pub(super) const TOOLS: Module = Module {
    name: "tools",
    open: tools,
};

pub(super) const NAP: Verb = Verb {
    name: "nap",
    open: |lua| Ok(Value::Function(lua.create_async_function(nap)?)),
};

async fn nap(_: Lua, milliseconds: u64) -> mlua::Result<u64> {
    let time = tokio::time::sleep(std::time::Duration::from_millis(milliseconds));
    super::interruptible(time).await?;
    Ok(milliseconds)
}

fn tools(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let fail = |_: &Lua, text: String| -> mlua::Result<()> { Err(mlua::Error::runtime(text)) };
    table.set("fail", lua.create_function(fail)?)?;
    let misuse = |lua: &Lua, text: String| -> mlua::Result<()> { Err(super::misuse(lua, text)) };
    table.set("misuse", lua.create_function(misuse)?)?;
    let late = |_: Lua, text: String| async move {
        tokio::task::yield_now().await;
        Err::<(), _>(mlua::Error::runtime(text))
    };
    table.set("fail_later", lua.create_async_function(late)?)?;
    let call = |_: &Lua, body: Function| body.call::<Value>(());
    table.set("call", lua.create_function(call)?)?;
    let inner = lua.create_table()?;
    inner.set(
        "add",
        lua.create_function(|_, (a, b): (f64, f64)| Ok(a + b))?,
    )?;
    table.set("maths", inner)?;
    Ok(table)
}

pub(super) struct Bench {
    pub(super) vm: Vm,
    pub(super) vu: Rc<Vu>,
    pub(super) sources: Arc<Sources>,
    pub(super) pulse: Arc<Pulse>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let (pulse, sources) = (Pulse::new(), Sources::new());
        let vm = Vm::new(VmOptions {
            modules: &[TOOLS],
            verbs: &[NAP],
            memory_limit: None,
            pulse: Arc::clone(&pulse),
            sources: Arc::clone(&sources),
        })
        .unwrap();
        let vu = Vu::new(VuOptions::bare(1, Arc::default(), Arc::clone(&pulse)));
        Self {
            vm,
            vu,
            sources,
            pulse,
        }
    }

    /// One more virtual user of the same worker.
    pub(super) fn another(&self) -> Rc<Vu> {
        let pulse = Arc::clone(&self.pulse);
        Vu::new(VuOptions::bare(1, Arc::default(), pulse))
    }

    /// Runs a script called `main.lua` to its end, as a fresh instance.
    pub(super) fn run<R: FromLuaMulti + 'static>(&self, text: &str) -> Result<R, ScriptError> {
        self.run_named("main.lua", text)
    }

    pub(super) fn run_named<R: FromLuaMulti + 'static>(
        &self,
        name: &str,
        text: &str,
    ) -> Result<R, ScriptError> {
        let source = super::Source {
            name: Arc::from(name),
            text: Arc::from(text),
        };
        if self.sources.get(name).is_none() {
            self.sources.insert(name, text);
        }
        let chunk = self.vm.load(&source)?;
        let (body, _) = chunk.instance()?;
        self.block_on(body.call_async::<R>(()))
    }

    pub(super) fn block_on<R>(
        &self,
        future: impl Future<Output = mlua::Result<R>>,
    ) -> Result<R, ScriptError> {
        let task = Task::new(&self.vu);
        runtime()
            .block_on(Scoped::new(task, future))
            .map_err(|error| self.vu.verdict(&error))
    }

    pub(super) fn fails(&self, text: &str) -> ScriptError {
        self.run::<Value>(text).unwrap_err()
    }
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
