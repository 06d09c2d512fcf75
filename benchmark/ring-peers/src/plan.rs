//! What is to be measured.

use std::str::FromStr;

/// Who hands events to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Graph {
    /// One producer, one consumer.
    OneToOne,
    /// Three producers, one consumer.
    ThreeToOne,
    /// One producer, three consumers that each see all.
    OneToThree,
    /// Three consumers one behind the other.
    Pipeline,
    /// Two consumers beside each other, a third behind both.
    Diamond,
}

impl Graph {
    /// Graphs by the names they have in the suite.
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        ("1p1c", Self::OneToOne),
        ("3p1c", Self::ThreeToOne),
        ("1p3c", Self::OneToThree),
        ("pipeline", Self::Pipeline),
        ("diamond", Self::Diamond),
    ];

    /// Threads that publish.
    pub(crate) fn producers(self) -> usize {
        if self == Self::ThreeToOne { 3 } else { 1 }
    }

    /// Threads that each see every event.
    pub(crate) fn consumers(self) -> usize {
        if matches!(self, Self::OneToOne | Self::ThreeToOne) { 1 } else { 3 }
    }
}

impl FromStr for Graph {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, graph)| *graph).ok_or("no such graph")
    }
}

/// Events made visible together. Three sizes known when the program is compiled, as they are in an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    One,
    Ten,
    Hundred,
}

impl FromStr for Batch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Self::One),
            "10" => Ok(Self::Ten),
            "100" => Ok(Self::Hundred),
            _ => Err("allowed are 1, 10 and 100"),
        }
    }
}

/// One cell of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) graph: Graph,
    pub(crate) batch: Batch,
    /// Events that fit between a producer and the slowest consumer; for channels, into each of them.
    pub(crate) slots: usize,
}
