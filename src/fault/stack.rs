//! Several faults on one value: the baseline is kept once, and the last one out puts it back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What the faults of an agent have laid over values of type `T`; kept in [`super::Shared`].
pub struct Stacks<T>(Mutex<HashMap<String, Stack<T>>>);

impl<T> Default for Stacks<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// One value and what was laid over it, oldest first.
#[derive(Debug, Clone)]
pub struct Stack<T> {
    /// The value before the first fault.
    pub baseline: T,
    layers: Vec<(u64, T)>,
}

impl<T> Stack<T> {
    /// What lies over the baseline, oldest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.layers.iter().map(|(_, value)| value)
    }
}

impl<T: Clone> Stacks<T> {
    /// The value before the first fault; `None` where none lies over it now.
    pub fn baseline(&self, key: &str) -> Option<T> {
        let stacks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stacks.get(key).map(|stack| stack.baseline.clone())
    }

    /// What a stack comes to now; `None` where none lies over it.
    pub fn effective(&self, key: &str, of: impl FnOnce(&Stack<T>) -> T) -> Option<T> {
        let stacks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stacks.get(key).map(of)
    }

    /// Lays the value of fault `id` over the resource `key`, and applies what is now effective while
    /// nobody else changes the stack. Returns the baseline. An error of `apply` takes the layer off again.
    ///
    /// # Errors
    ///
    /// Those of `baseline` and `apply`.
    pub fn push<E>(
        &self,
        key: &str,
        id: u64,
        value: T,
        baseline: impl FnOnce() -> Result<T, E>,
        apply: impl FnOnce(&Stack<T>) -> Result<(), E>,
    ) -> Result<T, E> {
        let mut stacks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !stacks.contains_key(key) {
            let baseline = baseline()?;
            let layers = Vec::new();
            stacks.insert(key.to_owned(), Stack { baseline, layers });
        }
        let Some(stack) = stacks.get_mut(key) else {
            unreachable!("it was put there");
        };
        stack.layers.push((id, value));
        let result = apply(stack);
        let before = stack.baseline.clone();
        if result.is_err() {
            stack.layers.retain(|(other, _)| *other != id);
            if stack.layers.is_empty() {
                stacks.remove(key);
            }
        }
        result.map(|()| before)
    }

    /// Takes the layer of fault `id` off, and applies what remains: with no layers left, the baseline. The
    /// layer stays if `apply` fails. `None` if there was no such layer.
    ///
    /// # Errors
    ///
    /// Those of `apply`.
    pub fn pop<R, E>(
        &self,
        key: &str,
        id: u64,
        apply: impl FnOnce(&Stack<T>) -> Result<R, E>,
    ) -> Result<Option<R>, E> {
        let mut stacks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stack) = stacks.get_mut(key) else {
            return Ok(None);
        };
        if !stack.layers.iter().any(|(other, _)| *other == id) {
            return Ok(None);
        }
        let mut rest = stack.clone();
        rest.layers.retain(|(other, _)| *other != id);
        let result = apply(&rest)?;
        if rest.layers.is_empty() {
            stacks.remove(key);
        } else {
            *stack = rest;
        }
        Ok(Some(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_out_restores_whatever_the_order() {
        let stacks = Stacks::default();
        let applied = Mutex::new(Vec::new());
        let apply = |stack: &Stack<u32>| {
            let effective = stack.layers().min().unwrap_or(&stack.baseline);
            applied.lock().unwrap().push(*effective);
            Ok::<(), ()>(())
        };
        for (id, value) in [(1, 50), (2, 20), (3, 30)] {
            assert_eq!(stacks.push("cpu", id, value, || Ok(100), apply), Ok(100));
        }
        for id in [1, 2, 3] {
            assert_eq!(stacks.pop("cpu", id, apply), Ok(Some(())));
        }
        assert_eq!(*applied.lock().unwrap(), [50, 20, 20, 20, 30, 100]);
        assert_eq!(stacks.pop("cpu", 3, apply), Ok(None));
    }

    #[test]
    fn a_layer_that_cannot_be_applied_is_not_there() {
        let stacks = Stacks::default();
        assert_eq!(stacks.push("k", 1, 5, || Ok(9), |_| Err("no")), Err("no"));
        assert_eq!(stacks.pop("k", 1, |_| Ok::<(), &str>(())), Ok(None));
    }
}
