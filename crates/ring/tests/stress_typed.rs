//! Typed rings of any shape while threads come, go, fail and give up: every event is seen by every stage once and in
//! order, and counted. Each seed is a plan; how threads meet is nobody's to settle, so a seed that is asked for is run
//! 20 times: `MILLRACE_STRESS_SEED=N cargo test -p millrace-ring --test stress_typed`.
#![cfg(not(loom))]

mod stress;

use stress::budget::for_seeds;
use stress::round::run;

fn stress(graph: usize) {
    for_seeds(graph, run);
}

#[test]
fn one_stage_sees_all() {
    stress(0);
}

#[test]
fn stages_beside_each_other_see_all() {
    stress(1);
}

#[test]
fn stages_behind_each_other_see_all_when_it_is_done() {
    stress(2);
}

#[test]
fn a_stage_behind_two_sees_all_when_both_have_done_it() {
    stress(3);
}

#[test]
fn workers_share_all_between_two_stages() {
    stress(4);
}
