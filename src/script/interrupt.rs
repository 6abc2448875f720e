//! Luau's interrupt pointer, parked at null and armed from another thread: costs nothing unarmed.
#![expect(
    unsafe_code,
    reason = "the pointer must be written while another thread interprets; mlua has no safe way"
)]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::{Lua, VmState, ffi};

/// The interrupt field of one interpreter, and the function to put there.
///
/// Valid only as long as the interpreter is: [`super::pulse::Attached`] forgets it first.
#[derive(Debug)]
pub(super) struct Interrupt {
    field: NonNull<AtomicPtr<c_void>>,
    handler: *mut c_void,
}

// SAFETY: `field` is only used for atomic stores, and Luau's header allows setting `interrupt`
// from any thread ("interrupt is safe to set from an arbitrary thread", lua.h). `handler` is the
// address of a function, never read through.
unsafe impl Send for Interrupt {}

impl Interrupt {
    /// Gives the interpreter a handler and parks it. Call once per interpreter.
    pub(super) fn install(
        lua: &Lua,
        handler: impl Fn(&Lua) -> mlua::Result<VmState> + 'static,
    ) -> Self {
        lua.set_interrupt(handler);
        // SAFETY: `lua.state()` is a live state of this interpreter, and `lua_callbacks` returns a
        // pointer into its global state, which stays in place until the interpreter is closed.
        // `set_interrupt` has just stored a function there, so the transmuted value is a function
        // pointer or null. `interrupt` is pointer-sized and aligned as a pointer (checked below),
        // so the field may be viewed as an `AtomicPtr`. The interpreter loads it without an atomic
        // instruction; an aligned pointer load does not tear on any platform Rust's std supports.
        unsafe {
            let callbacks = ffi::lua_callbacks(lua.state());
            let slot = ptr::addr_of_mut!((*callbacks).interrupt);
            let handler = *slot.cast::<*mut c_void>();
            let field = NonNull::new_unchecked(slot.cast::<AtomicPtr<c_void>>());
            let this = Self { field, handler };
            this.park();
            this
        }
    }

    /// Tells interpreters of one process apart.
    pub(super) fn id(&self) -> usize {
        self.field.addr().get()
    }

    /// The handler is called at the next safepoint, and at every one after it until parked.
    pub(super) fn arm(&self) {
        // SAFETY: the interpreter is alive, see the type's documentation.
        unsafe { self.field.as_ref() }.store(self.handler, Ordering::Release);
    }

    /// The handler is no longer called.
    pub(super) fn park(&self) {
        // SAFETY: as in `arm`.
        unsafe { self.field.as_ref() }.store(ptr::null_mut(), Ordering::Release);
    }
}

const _: () = assert!(
    size_of::<Option<unsafe extern "C-unwind" fn(*mut ffi::lua_State, i32)>>()
        == size_of::<AtomicPtr<c_void>>()
        && align_of::<Option<unsafe extern "C-unwind" fn(*mut ffi::lua_State, i32)>>()
            == align_of::<AtomicPtr<c_void>>()
);
