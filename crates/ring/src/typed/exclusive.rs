//! The consumer of a stage that has its events alone.

use super::consumer::Consumer;
use super::on_error::{OnError, Ran, Stopped};
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::ring::OpenError;
use std::fmt;
use std::time::Duration;

/// A [`Consumer`] of a stage that no other stands beside, whose events it may therefore change: every other stage is
/// done with an event before this one gets it, or gets it when this one is done.
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
    /// `consumer` is of a stage of which [`beside`] found nobody.
    pub(super) fn new(consumer: Consumer<E, W>) -> Self {
        Self(consumer)
    }

    /// As [`Consumer::poll`], with events to change.
    #[inline]
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&mut E, u64, bool)) -> u32 {
        // SAFETY: `poll_mut` asks for a promise about stages beside this one, and there are none. What it takes for
        // granted for the others is what makes `&mut` sound. A stage upstream has released the event, and its release
        // was acquired by us, or by a stage between whose own release was. A stage downstream gets the event when it
        // has acquired our release, which comes after `each`. A producer claims the slot when all last stages have
        // released it, and those are downstream of us, or are us. Our stage has no second consumer, and this one is
        // borrowed.
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
    pub fn run_fallible<X>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(&mut E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        // SAFETY: as in `poll`; nothing is released before the batch has ended.
        self.0.run_each(on_error, |event, sequence, last| each(unsafe { &mut *event }, sequence, last))
    }

    /// As [`Consumer::sequence`].
    #[must_use]
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.0.sequence()
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
pub(super) fn beside(masks: &[u32], stage: usize) -> Option<usize> {
    (0..masks.len()).find(|other| {
        *other != stage && upstream(masks, stage) & 1 << other == 0 && upstream(masks, *other) & 1 << stage == 0
    })
}

/// All whom a stage waits for, itself or through others.
fn upstream(masks: &[u32], stage: usize) -> u32 {
    let mut all = masks[stage];
    loop {
        let more = (0..masks.len()).filter(|at| all & 1 << at != 0).fold(all, |more, at| more | masks[at]);
        if more == all {
            return all;
        }
        all = more;
    }
}
