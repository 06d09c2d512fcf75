//! Fields of an event that one stage alone writes, by their types.
//!
//! Stages beside each other have the same event at the same time, so an event is handed out as `&E`, and what stages
//! write into it must be a cell of some kind. [`Owned`] is that cell: an atomic that is loaded and stored relaxed,
//! which is a plain move, with the stage that may store in its type. The order comes from the ring: a stage's stores
//! are seen by whoever has acquired its sequence, that is by every stage behind it.
//!
//! # What can go wrong, and what cannot
//! That only the stage writes rests on three things: one marker names one stage; a stage has one consumer at a time, or
//! workers that never have the same event; and a [`Writer`] is lent to the handler while it has an event, cannot be
//! kept, copied, made or sent to another thread. One hole is left: a handler that consumes from a second ring with the
//! same marker inside of its own may write with either writer to either ring's events, while that stage of the other
//! ring runs elsewhere. Both writes are atomic then, so one of them wins whole: wrong, not undefined. Nothing here can
//! break memory, whatever the graph.

use millrace_park::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed,
};
use std::fmt;
use std::marker::PhantomData;

/// A stage that owns fields of its ring's events: a type that stands for it, and its name in the graph.
///
/// ```
/// use millrace_ring::typed::Stage;
/// enum Parse {}
/// impl Stage for Parse {
///     const NAME: &'static str = "parse";
/// }
/// ```
pub trait Stage {
    /// The stage's name, as given to [`Builder::stage`](super::Builder::stage).
    const NAME: &'static str;
}

/// The right to write what stage `S` owns; has no size. [`StageConsumer`](super::StageConsumer) and
/// [`StageWorker`](super::StageWorker) lend it to their handlers with each event.
pub struct Writer<S> {
    /// A pointer, so that it is neither `Send` nor `Sync`: it stays on the thread that has the event.
    stage: PhantomData<*const S>,
}

impl<S> Writer<S> {
    pub(super) const fn new() -> Self {
        Self { stage: PhantomData }
    }
}

impl<S> fmt::Debug for Writer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// A number of an event that only stage `S` writes and everybody reads: `u8` to `u64`, `i8` to `i64`, `f32`, `f64` or
/// `bool`.
///
/// Stages behind `S` read what it wrote to this event. Stages beside it and before it, which do not wait for it, may
/// read that, or what the slot had before, never a part of one. Reading and writing are plain moves; the compiler does
/// not merge or vectorize them.
///
/// ```
/// use millrace_ring::typed::{Builder, Owned, Stage};
/// enum Parse {}
/// impl Stage for Parse {
///     const NAME: &'static str = "parse";
/// }
/// #[derive(Default)]
/// struct Order {
///     text: String,
///     price: Owned<Parse, u32>,
/// }
/// let ring = Builder::new(8).stage("parse", &[]).stage("store", &["parse"]).create(Order::default)?;
/// let mut parse = ring.consumer_of::<Parse>()?;
/// let mut store = ring.consumer("store")?;
/// ring.producer()?.publish(|order| order.text = "12".into()).unwrap();
/// parse.poll(8, |order, writer, _, _| order.price.set(writer, order.text.parse().unwrap()));
/// store.poll(8, |order, _, _| assert_eq!(order.price.get(), 12));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Another stage's writer does not fit:
/// ```compile_fail,E0308
/// # use millrace_ring::typed::{Builder, Owned, Stage};
/// # enum Parse {}
/// # impl Stage for Parse {
/// #     const NAME: &'static str = "parse";
/// # }
/// # #[derive(Default)]
/// # struct Order {
/// #     text: String,
/// #     price: Owned<Parse, u32>,
/// # }
/// enum Store {}
/// impl Stage for Store {
///     const NAME: &'static str = "store";
/// }
/// # let ring = Builder::new(8).stage("parse", &[]).stage("store", &["parse"]).create(Order::default).unwrap();
/// let mut store = ring.consumer_of::<Store>().unwrap();
/// store.poll(8, |order, writer, _, _| order.price.set(writer, 13));
/// ```
/// and a writer cannot be kept for later:
/// ```compile_fail,E0521
/// # use millrace_ring::typed::{Builder, Owned, Stage};
/// # enum Parse {}
/// # impl Stage for Parse {
/// #     const NAME: &'static str = "parse";
/// # }
/// # let ring = Builder::new(8).stage("parse", &[]).create(Owned::<Parse, u32>::default).unwrap();
/// let mut parse = ring.consumer_of::<Parse>().unwrap();
/// let mut kept = None;
/// parse.poll(8, |_, writer, _, _| kept = Some(writer));
/// ```
/// nor used on another thread:
/// ```compile_fail,E0277
/// # use millrace_ring::typed::{Builder, Owned, Stage};
/// # enum Parse {}
/// # impl Stage for Parse {
/// #     const NAME: &'static str = "parse";
/// # }
/// # let ring = Builder::new(8).stage("parse", &[]).create(Owned::<Parse, u32>::default).unwrap();
/// let mut parse = ring.consumer_of::<Parse>().unwrap();
/// parse.poll(8, |price, writer, _, _| {
///     std::thread::scope(|scope| {
///         scope.spawn(|| price.set(writer, 13));
///     });
/// });
/// ```
pub struct Owned<S, T: Word> {
    value: T::Atomic,
    stage: PhantomData<fn() -> S>,
}

impl<S, T: Word> Owned<S, T> {
    /// A field with this value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { value: value.atomic(), stage: PhantomData }
    }

    /// The value.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> T {
        T::load(&self.value)
    }

    /// Writes the value, in the handler of stage `S`.
    #[inline(always)]
    pub fn set(&self, _: &Writer<S>, value: T) {
        T::store(&self.value, value);
    }

    /// Writes the value, for who has the event alone: a producer that fills it, or an
    /// [`ExclusiveConsumer`](super::ExclusiveConsumer).
    #[inline(always)]
    pub fn reset(&mut self, value: T) {
        T::store(&self.value, value);
    }
}

impl<S, T: Word + Default> Default for Owned<S, T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<S, T: Word> From<T> for Owned<S, T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<S, T: Word + fmt::Debug> fmt::Debug for Owned<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// What an [`Owned`] field can hold. Sealed: these are what an atomic holds.
pub trait Word: atomic::Word {}

impl<T: atomic::Word> Word for T {}

mod atomic {
    /// A number with its atomic.
    pub trait Word: Copy {
        type Atomic: Send + Sync;
        fn atomic(self) -> Self::Atomic;
        fn load(from: &Self::Atomic) -> Self;
        fn store(to: &Self::Atomic, value: Self);
    }
}

/// `T` in an atomic of that many bits, between the two conversions.
macro_rules! words {
    ($($T:ty = $Atomic:ty, $to_bits:expr, $from_bits:expr;)*) => {$(
        impl atomic::Word for $T {
            type Atomic = $Atomic;
            fn atomic(self) -> $Atomic {
                <$Atomic>::new($to_bits(self))
            }
            #[inline(always)]
            fn load(from: &$Atomic) -> Self {
                $from_bits(from.load(Relaxed))
            }
            #[inline(always)]
            fn store(to: &$Atomic, value: Self) {
                to.store($to_bits(value), Relaxed);
            }
        }
    )*};
}

use std::convert::identity as same;

words! {
    u8 = AtomicU8, same, same;
    u16 = AtomicU16, same, same;
    u32 = AtomicU32, same, same;
    u64 = AtomicU64, same, same;
    i8 = AtomicI8, same, same;
    i16 = AtomicI16, same, same;
    i32 = AtomicI32, same, same;
    i64 = AtomicI64, same, same;
    f32 = AtomicU32, f32::to_bits, f32::from_bits;
    f64 = AtomicU64, f64::to_bits, f64::from_bits;
    bool = AtomicBool, same, same;
}
