//! The agent's foothold in a network namespace: one table there, let go when the namespace ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::io::Errno;

use super::namespace::{Namespace, NamespaceError};
use super::netlink::NetlinkError;
use super::nft::Table;
use crate::fault::Trouble;

/// How often a namespace is looked for: its table's socket would keep it, and its addresses, alive.
const WATCH: Duration = Duration::from_millis(250);

/// A table in a network namespace.
#[derive(Debug)]
pub struct Attachment {
    namespace: Namespace,
    inode: (u64, u64),
    table: Mutex<Option<Arc<Table>>>,
}

impl Attachment {
    /// The table.
    ///
    /// # Errors
    ///
    /// [`Trouble::Vanished`]: the namespace has ended, and the table with it.
    pub fn table(&self) -> Result<Arc<Table>, Trouble> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.clone().ok_or_else(|| gone(&self.namespace))
    }

    fn let_go_if_ended(&self) {
        // While the table's socket lives, no other namespace gets this inode.
        if self.namespace.place.inode().ok() != Some(self.inode) {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            drop(table.take());
        }
    }
}

/// The attachments of one agent, by the namespace's cookie; kept in [`crate::fault::Shared`].
#[derive(Debug, Default)]
pub struct Attachments(Arc<Mutex<Attached>>);

#[derive(Debug, Default)]
struct Attached {
    by_cookie: HashMap<u64, Weak<Attachment>>,
    watched: bool,
}

impl Attachments {
    /// The attachment to a namespace, made if there is none. `table` is unique to the agent.
    ///
    /// # Errors
    ///
    /// The namespace is gone, or the kernel gives no table.
    pub fn attach(&self, namespace: &Namespace, table: &str) -> Result<Arc<Attachment>, Trouble> {
        let mut attached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = attached.by_cookie.get(&namespace.cookie);
        if let Some(found) = known.and_then(Weak::upgrade)
            && found.table().is_ok()
        {
            return Ok(found);
        }
        let entered = namespace.enter(|| (namespace.place.inode(), create(table)));
        let (inode, table) = entered.map_err(trouble_entering)?;
        let inode = inode.map_err(|_| gone(namespace))?;
        let made = Arc::new(Attachment {
            namespace: namespace.clone(),
            inode,
            table: Mutex::new(Some(Arc::new(table.map_err(trouble_with_kernel)?))),
        });
        let weak = Arc::downgrade(&made);
        attached.by_cookie.insert(namespace.cookie, weak);
        if !attached.watched {
            attached.watched = self.watch();
        }
        Ok(made)
    }

    /// Starts the thread that lets go of namespaces that have ended. It ends with the last attachment.
    fn watch(&self) -> bool {
        let shared = self.0.clone();
        let look = move || {
            loop {
                std::thread::sleep(WATCH);
                let mut attached = shared.lock().unwrap_or_else(PoisonError::into_inner);
                attached.by_cookie.retain(|_, one| one.strong_count() > 0);
                if attached.by_cookie.is_empty() {
                    attached.watched = false;
                    return;
                }
                let all: Vec<_> = attached.by_cookie.values().cloned().collect();
                drop(attached);
                for one in all.iter().filter_map(Weak::upgrade) {
                    one.let_go_if_ended();
                }
            }
        };
        let name = "namespace watch".to_owned();
        std::thread::Builder::new().name(name).spawn(look).is_ok()
    }
}

/// Makes the table. One of the same name may be about to go with its last user on another thread.
fn create(name: &str) -> Result<Table, NetlinkError> {
    for _ in 0..20 {
        match Table::create(name) {
            Err(error) if matches!(error.errno(), Some(Errno::EXIST | Errno::PERM)) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
    Table::create(name)
}

/// What a fault says when its namespace has ended.
pub(super) fn gone(namespace: &Namespace) -> Trouble {
    Trouble::Vanished(format!("{} is gone", namespace.place.label()))
}

/// A namespace that cannot be entered, as trouble.
pub(super) fn trouble_entering(error: NamespaceError) -> Trouble {
    match error {
        NamespaceError::Gone(_) => Trouble::Vanished(error.to_string()),
        NamespaceError::System(what, source) => {
            Trouble::system(format!("cannot enter {what}"), source)
        }
    }
}

/// An objection of the kernel, as trouble.
pub(super) fn trouble_with_kernel(error: NetlinkError) -> Trouble {
    match error.errno() {
        Some(Errno::PERM | Errno::ACCESS) => Trouble::Precondition(format!(
            "{error}; run the agent as root or give it CAP_NET_ADMIN"
        )),
        Some(Errno::PROTONOSUPPORT | Errno::OPNOTSUPP) => {
            Trouble::Precondition(format!("{error}; this kernel lacks the part that does it"))
        }
        _ => Trouble::Failed(error.to_string()),
    }
}
