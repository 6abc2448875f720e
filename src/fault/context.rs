//! What a fault knows of the run it belongs to, and what the faults of one agent share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::protect::Protected;

/// What a fault is given when it is built.
#[derive(Clone)]
pub struct Context {
    /// The agent's id, unique per start: part of names of tables, labels, files (`[a-z0-9]`, 12 characters).
    pub agent: String,
    /// The fault's number, unique in the agent.
    pub id: u64,
    /// The name that the script gave it, or its kind; draws derive from it.
    pub name: String,
    /// The run's seed.
    pub seed: u64,
    /// Addresses that must stay reachable: the controller's, as seen from here.
    pub exempt: Vec<IpAddr>,
    /// The greatest share (0 to 1) of what matches a selection that one fault may act on.
    pub max_blast: f64,
    /// What no fault may touch; names and hosts are judged by the agent, labels by whoever reads them.
    pub protected: Protected,
    /// What faults of this agent share.
    pub shared: Arc<Shared>,
}

#[cfg(test)]
impl Context {
    /// A context of no run, for unit tests of faults.
    pub(super) fn for_tests() -> Self {
        Self {
            agent: "testtesttest".to_owned(),
            id: 1,
            name: "fault".to_owned(),
            seed: 1,
            exempt: Vec::new(),
            max_blast: 1.0,
            protected: Protected::default(),
            shared: Arc::default(),
        }
    }
}

/// One value per type, made on first use: the proxy plane, stacks, the thread that has children.
#[derive(Default)]
pub struct Shared(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Shared {
    /// The value of this type.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.get_or(T::default)
    }

    /// The value of this type, made by `make` if it is not there.
    pub fn get_or<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(make()))
            .clone();
        drop(values);
        value
            .downcast()
            .unwrap_or_else(|_| unreachable!("values are kept by their type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once() {
        let shared = Shared::default();
        *shared.get::<Mutex<u32>>().lock().unwrap() = 7;
        assert_eq!(*shared.get::<Mutex<u32>>().lock().unwrap(), 7);
    }
}
