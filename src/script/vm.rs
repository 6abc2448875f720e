//! One Luau machine: sandboxed, with the natives as read-only globals, shared by many virtual users.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use mlua::chunk::{ChunkMode, Compiler};
use mlua::{Function, Lua, LuaOptions, StdLib, Table, WeakLua};

use super::context::Phase;
use super::error::ScriptError;
use super::globals;
use super::module::{Module, Verb};
use super::pulse::{Attached, Pulse};
use super::source::{Source, Sources};
use super::task::with_current;

/// Suspended threads kept for reuse; a call then costs no thread.
const THREADS: usize = 1024;

/// What a machine is made of.
#[derive(Debug)]
pub struct VmOptions {
    /// The modules that scripts see as global tables.
    pub modules: &'static [Module],
    /// The single globals.
    pub verbs: &'static [Verb],
    /// Bytes that Lua may use; `None` is no limit.
    pub memory_limit: Option<usize>,
    /// The pulse of the worker that the machine runs on.
    pub pulse: Arc<Pulse>,
    /// Where scripts come from.
    pub sources: Arc<Sources>,
}

/// A machine. Lives on one thread.
#[derive(Debug)]
pub struct Vm {
    // Dropped first: the watchdog must not reach a machine that is closed.
    _attached: Attached,
    shared: Rc<Shared>,
    lua: Lua,
}

/// What `print` does with its line.
type Print = Rc<dyn Fn(&Lua, &str)>;

/// What the machine's own natives need.
pub(super) struct Shared {
    pub(super) globals: Table,
    pub(super) sources: Arc<Sources>,
    /// The metatable of every virtual user's environment.
    environment: Table,
    chunks: RefCell<HashMap<Arc<str>, Chunk>>,
    pub(super) print: RefCell<Print>,
    /// Luau looks up `http.get` once while it loads a chunk; that is no misuse yet.
    pub(super) loading: Cell<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A compiled script, from which each virtual user gets its own instance.
#[derive(Clone)]
pub struct Chunk {
    lua: WeakLua,
    body: Function,
    /// The metatable of every virtual user's environment.
    environment: Table,
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Chunk").field(&self.body).finish()
    }
}

impl Vm {
    /// Builds a machine and opens every native in it.
    ///
    /// # Errors
    ///
    /// A native cannot be opened, or the memory limit is too small for an empty machine.
    pub fn new(options: VmOptions) -> Result<Self, ScriptError> {
        Ok(Self::build(options)?)
    }

    fn build(options: VmOptions) -> mlua::Result<Self> {
        let lua = Lua::new_with(
            StdLib::ALL_SAFE,
            LuaOptions::new().thread_pool_size(THREADS),
        )?;
        let globals = lua.globals();
        let shared = Rc::new(Shared {
            environment: globals::environment(&lua, &globals)?,
            globals,
            sources: options.sources,
            chunks: RefCell::default(),
            print: RefCell::new(Rc::new(|_, line| {
                // The top level has said it once already, in the main VM.
                if with_current(|task| task.vu.phase.get()) != Some(Phase::VuTopLevel) {
                    tracing::info!(target: "script", "{line}");
                }
            })),
            loading: Cell::new(false),
        });
        globals::prepare(&lua, &shared)?;
        globals::install(&lua, &shared, options.modules, options.verbs)?;
        lua.sandbox(true)?;
        shared.sources.know(|| globals::names(&shared.globals));
        if let Some(limit) = options.memory_limit {
            lua.set_memory_limit(limit)?;
        }
        Ok(Self {
            _attached: options.pulse.attach(&lua),
            shared,
            lua,
        })
    }

    /// Compiles a script, once: a second call gives the same chunk.
    ///
    /// # Errors
    ///
    /// A syntax error, with its line.
    pub fn load(&self, source: &Source) -> Result<Chunk, ScriptError> {
        Ok(self.shared.load(&self.lua, source)?)
    }

    /// Replaces what `print` does; by default it logs at level info.
    pub fn set_print(&self, print: impl Fn(&Lua, &str) + 'static) {
        *self.shared.print.borrow_mut() = Rc::new(print);
    }

    /// The interpreter.
    #[must_use]
    pub fn lua(&self) -> &Lua {
        &self.lua
    }
}

impl Shared {
    pub(super) fn load(&self, lua: &Lua, source: &Source) -> mlua::Result<Chunk> {
        if let Some(chunk) = self.chunks.borrow().get(&source.name) {
            return Ok(chunk.clone());
        }
        // Level 2 would inline functions, and their frames would be missing from call paths.
        let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1);
        self.loading.set(true);
        let body = lua
            .load(&*source.text)
            .set_name(format!("@{}", source.name))
            .set_mode(ChunkMode::Text)
            .set_compiler(compiler)
            .into_function();
        self.loading.set(false);
        let chunk = Chunk {
            lua: lua.weak(),
            body: body?,
            environment: self.environment.clone(),
        };
        self.chunks
            .borrow_mut()
            .insert(Arc::clone(&source.name), chunk.clone());
        Ok(chunk)
    }
}

impl Chunk {
    /// A fresh instance for one virtual user: the file's top level, and the virtual user's own
    /// globals in front of the shared ones.
    ///
    /// # Errors
    ///
    /// The memory limit is reached, or the machine is gone.
    pub fn instance(&self) -> Result<(Function, Table), ScriptError> {
        let gone = || mlua::Error::runtime("the machine of this script is gone");
        let lua = self.lua.try_upgrade().ok_or_else(gone)?;
        let globals = lua.create_table_with_capacity(0, 1)?;
        globals.raw_set("_G", &globals)?;
        globals.set_metatable(Some(self.environment.clone()))?;
        // Assigning a built-in's name is refused, so what Luau resolved while loading stays true.
        globals.set_safeenv(true);
        let body = self.instance_in(&globals)?;
        Ok((body, globals))
    }

    pub(super) fn instance_in(&self, environment: &Table) -> mlua::Result<Function> {
        let body = self.body.deep_clone()?;
        body.set_environment(environment.clone())?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn what_scripts_must_not_have_is_absent() {
        let bench = Bench::new();
        let absent: String = bench
            .run(
                "local all = { io = io, loadstring = loadstring, getfenv = getfenv, load = load,
                   setfenv = setfenv, newproxy = newproxy, exit = os.exit, execute = os.execute,
                   getenv = os.getenv, dofile = dofile, package = package }
                 local found = ''
                 for name in all do found ..= name end
                 return found",
            )
            .unwrap();
        assert_eq!(absent, "");
    }

    #[test]
    fn the_standard_library_and_natives_are_read_only() {
        for change in [
            "math.pi = 3",
            "string.x = 1",
            "_G.math.pi = 3",
            "tools.fail = 1",
            "tools.maths.add = 1",
            "getmetatable('').__index = nil",
            "coroutine.wrap = nil",
        ] {
            let bench = Bench::new();
            let error = bench.fails(change);
            assert!(
                error.message.contains("readonly") || error.message.contains("read-only"),
                "{change}: {error}"
            );
        }
    }

    #[test]
    fn a_built_in_name_cannot_be_assigned() {
        for text in [
            "\ntools = 1",
            "\nfunction nap() end",
            "\n_G.print = nil",
            "\npcall(function() math = {} end)",
        ] {
            let bench = Bench::new();
            let error = bench.fails(text);
            assert_eq!(error.kind, Kind::Misuse, "{text}: {error}");
            assert!(
                error.message.contains("is built in; choose another name"),
                "{error}"
            );
            assert_eq!(error.location.unwrap().line, 2, "{text}");
        }
    }

    #[test]
    fn a_missing_function_is_an_error_with_the_nearest_name() {
        let error = Bench::new().fails("pcall(function() return tools.fial('x') end)\nreturn 1");
        assert_eq!(
            error.to_string(),
            "main.lua:1: tools has no function `fial`; did you mean `fail`?"
        );
        let error = Bench::new().fails("return tools.maths.addd(1, 2)");
        assert!(
            error
                .message
                .starts_with("tools.maths has no function `addd`")
        );
        // Looked up while loading, never run.
        let bench = Bench::new();
        assert_eq!(
            bench.run::<i32>("if false then tools.nope() end return 4"),
            Ok(4)
        );
    }

    #[test]
    fn globals_and_file_locals_belong_to_one_virtual_user() {
        let bench = Bench::new();
        let text = "local n = 0; count = (count or 0) + 1
                    function bump() n += 1; return n * 10 + count end
                    return bump";
        let source = bench.sources.insert("main.lua", text);
        let chunk = bench.vm.load(&source).unwrap();
        for _ in 0..3 {
            let (body, globals) = chunk.instance().unwrap();
            let bump: Function = body.call(()).unwrap();
            assert_eq!(bump.call::<i32>(()).unwrap(), 11);
            assert_eq!(bump.call::<i32>(()).unwrap(), 21);
            assert_eq!(globals.get::<i32>("count").unwrap(), 1);
        }
        assert!(
            bench
                .vm
                .lua()
                .globals()
                .get::<mlua::Value>("count")
                .unwrap()
                .is_nil()
        );
    }

    #[test]
    fn an_instance_costs_a_few_kib() {
        let bench = Bench::new();
        let source = bench.sources.insert(
            "main.lua",
            "local a, b = {}, 'x'\nfunction f() return a, b end\nreturn f",
        );
        let chunk = bench.vm.load(&source).unwrap();
        let before = bench.vm.lua().used_memory();
        let kept: Vec<_> = (0..1000)
            .map(|_| {
                let (body, globals) = chunk.instance().unwrap();
                (body.call::<Function>(()).unwrap(), body, globals)
            })
            .collect();
        let each = (bench.vm.lua().used_memory() - before) / kept.len();
        assert!(each < 2048, "{each} bytes");
    }

    #[test]
    fn a_machine_is_freed_when_it_is_dropped() {
        let bench = Bench::new();
        let flag = Rc::new(());
        bench.vm.lua().set_app_data(Rc::clone(&flag));
        bench
            .run::<()>("x = tools; local f = coroutine.wrap(nap) f(1)")
            .unwrap();
        drop(bench);
        assert_eq!(Rc::strong_count(&flag), 1);
    }

    #[test]
    fn print_is_handed_over() {
        let bench = Bench::new();
        let lines = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&lines);
        bench
            .vm
            .set_print(move |_, line| seen.borrow_mut().push(line.to_owned()));
        bench.run::<()>("print('a', 1, nil, true)").unwrap();
        assert_eq!(*lines.borrow(), ["a\t1\tnil\ttrue"]);
    }

    #[test]
    fn random_numbers_come_from_the_seed() {
        let draw = |seed| {
            let bench = Bench::new();
            *bench.vu.rng.borrow_mut() = crate::base::rng::Rng::derive(seed, "s", 1);
            bench
                .run::<(f64, i64, i64)>("return math.random(), math.random(6), math.random(-3, -2)")
                .unwrap()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let (unit, die, low) = draw(3);
        assert!((0.0..1.0).contains(&unit) && (1..=6).contains(&die) && (-3..=-2).contains(&low));
        let error = Bench::new().fails("math.randomseed(1)");
        assert!(error.message.contains("--seed"), "{error}");
        assert!(
            Bench::new()
                .fails("math.random(2, 1)")
                .message
                .contains("empty")
        );
    }

    #[test]
    fn the_memory_limit_ends_a_script_and_the_machine_survives() {
        let pulse = Pulse::new();
        let vm = Vm::new(VmOptions {
            modules: &[],
            verbs: &[],
            memory_limit: Some(8 << 20),
            pulse: Arc::clone(&pulse),
            sources: Sources::new(),
        })
        .unwrap();
        let sources = Sources::new();
        let source = sources.insert(
            "m.lua",
            "local t = {}\nwhile true do t[#t + 1] = {1, 2} end",
        );
        let (body, _) = vm.load(&source).unwrap().instance().unwrap();
        let error = ScriptError::from(body.call::<()>(()).unwrap_err());
        assert_eq!(error.kind, super::super::Kind::Memory, "{error}");
        drop(body);
        vm.lua().gc_collect().unwrap();
        let fine = sources.insert("n.lua", "return 1 + 1");
        let (body, _) = vm.load(&fine).unwrap().instance().unwrap();
        assert_eq!(body.call::<i32>(()).unwrap(), 2);
    }
}
