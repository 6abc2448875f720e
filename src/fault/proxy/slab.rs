//! Values by index, with a generation so that a late event cannot reach a successor.

use super::token::GENERATION;

/// Reuses the places of removed values.
pub struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Adds a value; gives its index and generation.
    pub fn insert(&mut self, value: T) -> (u32, u32) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let place = &mut self.places[index as usize];
        place.1 = Some(value);
        (index, place.0)
    }

    /// The value at an index, if it is of that generation.
    pub fn get(&mut self, index: u32, generation: u32) -> Option<&mut T> {
        let (current, value) = self.places.get_mut(index as usize)?;
        value.as_mut().filter(|_| *current == generation)
    }

    /// The value at an index.
    pub fn at(&mut self, index: u32) -> Option<&mut T> {
        self.places.get_mut(index as usize)?.1.as_mut()
    }

    /// The generation at an index.
    pub fn generation(&self, index: u32) -> u32 {
        self.places.get(index as usize).map_or(0, |place| place.0)
    }

    /// Drops the value at an index, if there is one.
    pub fn remove(&mut self, index: u32) {
        if let Some((generation, value)) = self.places.get_mut(index as usize)
            && value.take().is_some()
        {
            *generation = (*generation + 1) & GENERATION;
            self.free.push(index);
        }
    }

    /// All values with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..)
            .zip(&self.places)
            .filter_map(|(n, place)| place.1.as_ref().map(|v| (n, v)))
    }
}
