//! What is owed: one entry a frame that was delivered and is not answered.
//!
//! The entries of a connection are chained in the order of its frames. With ordered replies only the first may speak;
//! what is said by others waits in their entries. Once a reply has begun to go out nobody else speaks until it ends.

use crate::slots::Slots;

/// One frame's reply.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    pub(crate) connection: u32,
    previous: u32,
    next: u32,
    /// What was said before it was its turn, framed; nothing when nothing was said.
    pub(crate) stash: Option<Vec<u8>>,
    /// Nothing more will be said.
    pub(crate) done: bool,
    /// The connection ends with it.
    pub(crate) end: bool,
}

/// A connection's entries, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) first: u32,
    last: u32,
    pub(crate) len: u32,
}

/// All entries of a reactor.
pub(crate) struct Ledger {
    slots: Slots<Owed>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { slots: Slots::new() }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.slots.has_room()
    }

    /// An entry at the end of the chain; `None` when the reactor owes as much as it has tokens for.
    pub(crate) fn append(&mut self, connection: u32, chain: &mut Chain) -> Option<u32> {
        let token = self.slots.insert(Owed { connection, previous: chain.last, ..Owed::default() }).ok()?;
        match self.slots.get_mut(chain.last) {
            Some(last) => last.next = token,
            None => chain.first = token,
        }
        chain.last = token;
        chain.len += 1;
        Some(token)
    }

    /// Takes an entry out, wherever in the chain it is.
    pub(crate) fn remove(&mut self, token: u32, chain: &mut Chain) -> Option<Owed> {
        let owed = self.slots.remove(token)?;
        match self.slots.get_mut(owed.previous) {
            Some(previous) => previous.next = owed.next,
            None => chain.first = owed.next,
        }
        match self.slots.get_mut(owed.next) {
            Some(next) => next.previous = owed.previous,
            None => chain.last = owed.previous,
        }
        chain.len -= 1;
        Some(owed)
    }

    /// Takes all entries of a chain out; gives how many there were.
    pub(crate) fn clear(&mut self, chain: &mut Chain) -> u32 {
        let mut token = chain.first;
        while let Some(owed) = self.slots.remove(token) {
            token = owed.next;
        }
        std::mem::take(chain).len
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, token: u32) -> Option<&mut Owed> {
        self.slots.get_mut(token)
    }

    /// The first entry of the chain that has something to say.
    pub(crate) fn first_stashed(&self, chain: &Chain) -> Option<u32> {
        let mut token = chain.first;
        while let Some(owed) = self.slots.get(token) {
            if owed.stash.is_some() {
                return Some(token);
            }
            token = owed.next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(ledger: &Ledger, chain: &Chain) -> Vec<u32> {
        let (mut token, mut seen) = (chain.first, Vec::new());
        while let Some(owed) = ledger.slots.get(token) {
            seen.push(token);
            token = owed.next;
        }
        assert_eq!(seen.len(), chain.len as usize);
        assert_eq!(seen.last().copied().unwrap_or(0), chain.last);
        seen
    }

    #[test]
    fn a_chain_keeps_its_order_whichever_entry_is_taken_out() {
        let mut ledger = Ledger::new();
        let mut chain = Chain::default();
        let tokens: Vec<u32> = (0..5).map(|_| ledger.append(9, &mut chain).unwrap()).collect();
        assert_eq!(order(&ledger, &chain), tokens);
        ledger.remove(tokens[2], &mut chain).unwrap();
        ledger.remove(tokens[0], &mut chain).unwrap();
        ledger.remove(tokens[4], &mut chain).unwrap();
        assert_eq!(order(&ledger, &chain), [tokens[1], tokens[3]]);
        assert!(ledger.remove(tokens[0], &mut chain).is_none());
        assert_eq!(ledger.clear(&mut chain), 2);
        assert_eq!(order(&ledger, &chain), []);
        assert!(ledger.slots.get(tokens[1]).is_none());
    }
}
