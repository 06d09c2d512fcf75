//! What stands for a connection, a listener or a reply outside the reactor's thread.

/// Bits of a token that name the slot; the rest is the generation.
const SLOT_BITS: u32 = 20;
/// Slots a table can have: 1,048,576.
pub(crate) const MAX_SLOTS: u32 = 1 << SLOT_BITS;
const GENERATIONS: u32 = 1 << (32 - SLOT_BITS);

/// A slot with its generation in 32 bits, so that JavaScript can hold it as a plain number.
///
/// The generation is 1 to 4,095 and never 0: the token 0 stands for nothing. Slots are given out again in the order
/// in which they became free, so that a token has to outlive thousands of successors before it could be mistaken.
pub(crate) fn pack(slot: u32, generation: u32) -> u32 {
    debug_assert!(slot < MAX_SLOTS && generation < GENERATIONS);
    generation << SLOT_BITS | slot
}

/// The slot a token names.
pub(crate) fn slot(token: u32) -> u32 {
    token & (MAX_SLOTS - 1)
}

/// The generation after `generation`; never 0.
pub(crate) fn next_generation(generation: u32) -> u32 {
    if generation + 1 == GENERATIONS { 1 } else { generation + 1 }
}

macro_rules! token {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $name(
            /// The token as a number: survives shared memory and JavaScript. 0 stands for nothing.
            pub u32,
        );

        impl $name {
            /// Stands for nothing, and is never given out.
            pub const NONE: Self = Self(0);
        }
    };
}

token! {
    /// A connection: a slot of the reactor and its generation, so that a late use of a closed one hits nobody.
    ConnectionToken
}
token! {
    /// A listener, for as long as it is open.
    ListenerToken
}
token! {
    /// What is owed for one delivered frame. Answered once (in as many pieces as wanted), from any thread, in any order.
    ReplyToken
}
token! {
    /// An outbox in the reactor.
    OutboxToken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_its_slot_back_and_is_never_zero() {
        for (at, generation) in [(0, 1), (MAX_SLOTS - 1, GENERATIONS - 1), (77, 4_000)] {
            let token = pack(at, generation);
            assert_ne!(token, 0);
            assert_eq!(slot(token), at);
        }
    }

    #[test]
    fn generations_pass_over_zero() {
        assert_eq!(next_generation(1), 2);
        assert_eq!(next_generation(GENERATIONS - 1), 1);
    }
}
