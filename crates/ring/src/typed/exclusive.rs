//! The consumer of a stage that has its events alone.

use super::consumer::Consumer;
use super::core::Core;
use super::on_error::{OnError, Ran, Stopped, run_each};
use super::processor::Processor;
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::graph::all_upstream;
use crate::join::{JoinError, Joining, joined_beside};
use crate::ring::OpenError;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire};
use std::fmt;
use std::time::Duration;

/// A [`Consumer`] of a stage that no other stands beside, whose events it may therefore change: every other stage is
/// done with an event before this one gets it, or gets it when this one is done. While it is open, only stages that
/// follow it may [join](super::Ring::join).
///
/// ```
/// use millrace_ring::typed::Builder;
/// let ring = Builder::new(8).stage("fill", &[]).stage("send", &["fill"]).create(Vec::<u8>::new)?;
/// let mut fill = ring.exclusive_consumer("fill")?;
/// let mut send = ring.exclusive_consumer("send")?;
/// ring.producer()?.publish(|bytes| bytes.push(1)).unwrap();
/// fill.poll(8, |bytes, _, _| bytes.push(2));
/// // Takes what is in the slot, which would keep it for a lap otherwise.
/// send.poll(8, |bytes, _, _| assert_eq!(std::mem::take(bytes), [1, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExclusiveConsumer<E: Send + Sync, W: WaitStrategy>(Consumer<E, W>);

impl<E: Send + Sync, W: WaitStrategy> ExclusiveConsumer<E, W> {
    /// The consumer of a stage that has nobody beside it; nobody joins there until it is dropped.
    pub(super) fn open(core: Arc<Core<E>>, stage: usize, strategy: W) -> Result<Self, ExclusiveError> {
        let view = *core.memory.enter().expect("native memory is never gone");
        if let Some(other) = beside(&view.geometry.upstream, stage) {
            return Err(ExclusiveError::Beside(core.memory.names[other].clone()));
        }
        // Nobody joins beside it between the look and the note.
        let _alone = Joining::begin(&view);
        if let Some(other) = joined_beside(&view, stage) {
            return Err(ExclusiveError::Beside(other));
        }
        let consumer = Consumer::open(core.clone(), stage as u32, strategy)?;
        core.exclusive.fetch_or(1 << stage, AcqRel);
        Ok(Self(consumer))
    }

    /// As [`Consumer::poll`], with events to change.
    #[inline]
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&mut E, u64, bool)) -> u32 {
        // SAFETY: `poll_mut` asks for a promise about stages beside this one, and there are none. What it takes for
        // granted for the others is what makes `&mut` sound. A stage upstream has released the event, and its release
        // was acquired by us, or by a stage between whose own release was. A stage downstream gets the event when it
        // has acquired our release, which comes after `each`. A producer claims the slot when all last stages have
        // released it, and those are downstream of us, or are us. Our stage has no second consumer, and this one is
        // borrowed. Stages that joined are downstream of us: others were looked for when we were opened, and are refused
        // as long as we are noted in `exclusive`.
        unsafe { self.0.poll_mut(max, |event, sequence, last| each(&mut *event, sequence, last)) }
    }

    /// As [`Consumer::wait`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        self.0.wait(timeout)
    }

    /// As [`Consumer::run`], with events to change.
    #[inline]
    pub fn run(&mut self, mut each: impl FnMut(&mut E, u64, bool)) {
        while self.wait(None) == Waited::Ready {
            self.poll(u32::MAX, &mut each);
        }
    }

    /// As [`Consumer::run_fallible`], with events to change. What a handler changed before it failed stays changed,
    /// also where a batch is begun again.
    ///
    /// # Errors
    /// As [`Consumer::run_fallible`].
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(&mut E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        // SAFETY: as in `poll`; nothing is released before the batch has ended.
        run_each(&mut self.0, on_error, |event, sequence, last| each(unsafe { &mut *event }, sequence, last))
    }

    /// As [`Consumer::sequence`].
    #[must_use]
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.0.sequence()
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for ExclusiveConsumer<E, W> {
    fn drop(&mut self) {
        // Before the stage is free: its next consumer may be exclusive too.
        self.0.core().exclusive.fetch_and(!(1 << self.0.stage()), AcqRel);
    }
}

/// Refuses a stage with this upstream that would have events at the same time as one that is open exclusively. For who
/// joins, alone.
pub(super) fn may_join<E>(core: &Core<E>, upstream: u32) -> Result<(), JoinError> {
    let exclusive = core.exclusive.load(Acquire) & !all_upstream(&core.memory.geometry.upstream, upstream);
    match core.memory.names.get(exclusive.trailing_zeros() as usize) {
        Some(name) => Err(JoinError::Exclusive(name.clone())),
        None => Ok(()),
    }
}

/// Why a stage could not be opened exclusively.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExclusiveError {
    /// This other stage may have an event at the same time: neither follows the other.
    Beside(String),
    /// The stage could not be opened at all.
    Open(OpenError),
}

impl From<OpenError> for ExclusiveError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl fmt::Display for ExclusiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beside(stage) => write!(
                f,
                "stage '{stage}' runs beside this one: have one follow the other, or change only fields of type Owned"
            ),
            Self::Open(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExclusiveError {}

/// A stage that is neither upstream nor downstream of `stage`, by the upstream masks of all.
fn beside(masks: &[u32], stage: usize) -> Option<usize> {
    (0..masks.len()).find(|other| {
        let upstream = |stage: usize| all_upstream(masks, masks[stage]);
        *other != stage && upstream(stage) & 1 << other == 0 && upstream(*other) & 1 << stage == 0
    })
}
