import { inspect, types } from 'node:util';
import { MillraceError } from '../errors.js';
import type { BatchCounters } from './batch-statistics.js';
import { GONE, type Slot } from './slot.js';

/** What a handler ended with. */
export type Outcome = { failed: false; results: unknown } | { failed: true; error: unknown };

/** Gives every item that was taken, and was not withdrawn since, its result or error. */
export function settleBatch<Item, Result>(
  slots: readonly Slot<Item, Result>[],
  outcome: Outcome,
  counters: BatchCounters,
): void {
  if (outcome.failed) {
    rejectAll(slots, outcome.error, 'handler', counters);
    return;
  }
  const { results } = outcome;
  if (!Array.isArray(results) || results.length !== slots.length) {
    rejectAll(slots, wrongResults(slots.length, results), 'result', counters);
    return;
  }
  for (let i = 0; i < slots.length; i += 1) {
    const slot = slots[i] as Slot<Item, Result>;
    if (slot.place === GONE) continue;
    slot.place = GONE;
    counters.inFlight -= 1;
    const result: unknown = results[i];
    if (isError(result)) {
      counters.rejected.item += 1;
      slot.fail(result);
    } else {
      counters.fulfilled += 1;
      slot.fulfil(result as Result);
    }
  }
}

function rejectAll(
  slots: readonly Slot<unknown, never>[],
  error: unknown,
  reason: 'handler' | 'result',
  counters: BatchCounters,
): void {
  for (const slot of slots) {
    if (slot.place === GONE) continue;
    slot.place = GONE;
    counters.inFlight -= 1;
    counters.rejected[reason] += 1;
    slot.fail(error);
  }
}

function wrongResults(expected: number, results: unknown): MillraceError {
  const got = Array.isArray(results)
    ? `${results.length}`
    : inspect(results, { depth: 0, maxStringLength: 80, breakLength: Infinity });
  return new MillraceError(
    'ERR_MILLRACE_BATCH_RESULT',
    `a batch handler must return an array with one result for each item it took: expected ${expected} results, got ${got}`,
  );
}

/** Also for errors of another realm; asks only objects that look like one, because asking is slow. */
function isError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Error || ('stack' in value && types.isNativeError(value));
}

/** Tells the process of a handler that ended without taking: no promise could carry it. */
export function warnOfUntaken(outcome: Outcome, waiting: number): void {
  const what = outcome.failed ? 'failed before it took an item' : 'ended without taking an item';
  process.emitWarning(
    `A batch handler ${what}; ${waiting} wait for the next one, which starts after a pause`,
    {
      type: 'MillraceWarning',
      code: 'MILLRACE_BATCH_UNTAKEN',
      ...(outcome.failed && { detail: inspect(outcome.error) }),
    },
  );
}
