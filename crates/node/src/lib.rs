//! The Node-API binding of Millrace: conversion, environments, doorbell; no logic.
//!
//! Private to the package: the TypeScript facades are the only callers. They check arguments and make errors; a call
//! here answers with a number or an exception whose message begins with a
//! code (`failure.rs`).
//!
//! An *environment* is one loading of this addon by one JavaScript thread. Everything native that belongs to it ends in
//! its cleanup hook, see `environment.rs`.

#![allow(missing_docs, reason = "the addon's interface is documented by the facades; nothing else links to it")]
#![allow(unreachable_pub, reason = "what is exported is exported to JavaScript, by the macro")]

mod completion;
mod environment;
mod failure;
mod hash;
mod hash_stage;
mod native_stage;
mod park;
mod pending;
mod reactor;
mod ring;
mod scheduler;
mod workers;
