//! The coroutines that have started on one worker.

use crate::context::Suspend;
use crate::coroutine::Core;
use crate::stack::Stack;
use crate::timer::TimerKey;
use std::sync::Arc;

/// A stack with a suspended coroutine on it.
pub(crate) type Fiber = corosensei::Coroutine<(), Suspend, (), Stack>;

/// A started coroutine. The worker owns it, so that it lives on when all its handles and wakers are gone, and its stack
/// is never unwound on a foreign thread.
pub(crate) struct Slot {
    pub(crate) core: Arc<Core>,
    pub(crate) fiber: Fiber,
    /// Parked since its last turn.
    pub(crate) parked: bool,
    pub(crate) timer: Option<TimerKey>,
}

/// A worker's table of coroutines. Slots are small numbers, used again, last freed first.
#[derive(Default)]
pub(crate) struct Slots {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
}

impl Slots {
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    /// A slot number for [`put`](Self::put).
    pub(crate) fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer coroutines than 2^32 have stacks")
        })
    }

    pub(crate) fn put(&mut self, index: u32, slot: Slot) -> &mut Slot {
        self.slots[index as usize].insert(slot)
    }

    pub(crate) fn get(&mut self, index: u32) -> &mut Slot {
        self.slots[index as usize].as_mut().expect("a queue holds only coroutines that live")
    }

    /// Takes a coroutine out, or gives a reserved number back.
    pub(crate) fn remove(&mut self, index: u32) -> Option<Slot> {
        self.free.push(index);
        self.slots[index as usize].take()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }
}
