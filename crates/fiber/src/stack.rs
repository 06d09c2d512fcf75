//! Where coroutines' stacks come from and go back to.

use corosensei::stack::DefaultStack;
use std::error::Error;
use std::{fmt, io};

/// A stack with its guard. The one place that says which kind: a mapping of its own for each as yet, which on Linux
/// costs two of a process's 65,530 mappings.
pub(crate) type Stack = DefaultStack;

/// Stacks a worker keeps for reuse. Each has about two pages touched, so this is 8 MiB a worker.
const KEPT: usize = 1024;

/// A worker's stacks. Last in, first out: the stack used last is the one still in the cache.
#[derive(Default)]
pub(crate) struct StackPool {
    size: usize,
    free: Vec<Stack>,
}

impl StackPool {
    /// Stacks of `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, free: Vec::new() }
    }

    pub(crate) fn take(&mut self) -> io::Result<Stack> {
        match self.free.pop() {
            Some(stack) => Ok(stack),
            None => Stack::new(self.size),
        }
    }

    pub(crate) fn give_back(&mut self, stack: Stack) {
        if self.free.len() < KEPT {
            self.free.push(stack);
        }
    }
}

/// What [`join`](crate::JoinHandle::join) returns as the error of a coroutine that could not be given a stack: its
/// closure was dropped and has not run.
#[derive(Debug)]
pub struct StackError(io::Error);

impl StackError {
    pub(crate) fn new(error: io::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no stack for a coroutine: {}", self.0)
    }
}

impl Error for StackError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
