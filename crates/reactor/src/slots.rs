//! Tables whose places are named by tokens.

use crate::token::{MAX_SLOTS, next_generation, pack, slot};
use std::collections::VecDeque;

/// A place is not given out again before this many others became free after it, unless the table is full.
const REST: usize = 64;

struct Place<T> {
    generation: u32,
    value: Option<T>,
}

/// Gives out tokens for values, and finds the values by them in constant time.
pub(crate) struct Slots<T> {
    places: Vec<Place<T>>,
    /// First in, first out: what became free last is used last.
    free: VecDeque<u32>,
    len: usize,
}

impl<T> Slots<T> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), free: VecDeque::new(), len: 0 }
    }

    /// Values in the table.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether another value would find a place.
    pub(crate) fn has_room(&self) -> bool {
        self.len < MAX_SLOTS as usize
    }

    /// Puts a value in; it comes back when the table is full.
    pub(crate) fn insert(&mut self, value: T) -> Result<u32, T> {
        let at = if self.free.len() > REST || self.places.len() == MAX_SLOTS as usize {
            let Some(at) = self.free.pop_front() else { return Err(value) };
            at
        } else {
            self.places.push(Place { generation: 0, value: None });
            self.places.len() as u32 - 1
        };
        let place = &mut self.places[at as usize];
        place.generation = next_generation(place.generation);
        place.value = Some(value);
        self.len += 1;
        Ok(pack(at, place.generation))
    }

    #[inline]
    pub(crate) fn get(&self, token: u32) -> Option<&T> {
        let place = self.places.get(slot(token) as usize)?;
        if pack(slot(token), place.generation) == token { place.value.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, token: u32) -> Option<&mut T> {
        let place = self.places.get_mut(slot(token) as usize)?;
        if pack(slot(token), place.generation) == token { place.value.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, token: u32) -> Option<T> {
        let value = {
            let place = self.places.get_mut(slot(token) as usize)?;
            if pack(slot(token), place.generation) != token {
                return None;
            }
            place.value.take()?
        };
        self.free.push_back(slot(token));
        self.len -= 1;
        Some(value)
    }

    /// All values.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| place.value.as_mut())
    }

    /// The tokens of all values.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.value.is_some())
            .map(|(at, place)| pack(at as u32, place.generation))
    }
}

/// Values found by tokens that another table gave out.
pub(crate) struct Mirror<T> {
    places: Vec<Option<(u32, T)>>,
}

impl<T> Mirror<T> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new() }
    }

    /// Puts a value in for a token; what stood in its slot is gone.
    pub(crate) fn insert(&mut self, token: u32, value: T) {
        let at = slot(token) as usize;
        if at >= self.places.len() {
            self.places.resize_with(at + 1, || None);
        }
        self.places[at] = Some((token, value));
    }

    #[inline]
    pub(crate) fn get(&self, token: u32) -> Option<&T> {
        match self.places.get(slot(token) as usize) {
            Some(Some((owner, value))) if *owner == token => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, token: u32) -> Option<&mut T> {
        match self.places.get_mut(slot(token) as usize) {
            Some(Some((owner, value))) if *owner == token => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, token: u32) -> Option<T> {
        let place = self.places.get_mut(slot(token) as usize)?;
        match place {
            Some((owner, _)) if *owner == token => place.take().map(|(_, value)| value),
            _ => None,
        }
    }

    /// All values with their tokens.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.places.iter().flatten().map(|(token, value)| (*token, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_reach_the_successor_in_its_slot() {
        let mut slots = Slots::new();
        let mut tokens: Vec<u32> = (0..=REST).map(|value| slots.insert(value).unwrap()).collect();
        for token in &tokens {
            assert!(slots.remove(*token).is_some());
        }
        let first = tokens.remove(0);
        let successor = slots.insert(7).unwrap();
        assert_eq!(slot(successor), slot(first));
        assert_ne!(successor, first);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(successor), Some(&7));
        assert_eq!(slots.tokens().collect::<Vec<_>>(), [successor]);
    }

    #[test]
    fn a_full_table_gives_the_value_back_and_then_uses_every_free_place() {
        let mut slots = Slots::new();
        let first = slots.insert(0).unwrap();
        for value in 1..MAX_SLOTS {
            slots.insert(value).unwrap();
        }
        assert!(!slots.has_room());
        assert_eq!(slots.insert(5), Err(5));
        slots.remove(first);
        assert!(slots.insert(5).is_ok());
        assert_eq!(slots.len(), MAX_SLOTS as usize);
    }

    #[test]
    fn the_token_nothing_finds_nothing() {
        let mut slots = Slots::new();
        slots.insert(1).unwrap();
        assert_eq!(slots.get(0), None);
        assert_eq!(slots.get_mut(u32::MAX), None);
    }
}
