import { isMainThread } from 'node:worker_threads';
import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';

/**
 * The first sleep of a blocked thread, and the longest, in milliseconds. `worker.terminate()` waits for the slice under
 * way: five workers that block end within 300 ms, and a third of that is left for a machine that is busy. A wake costs
 * some 0.1 ms of a core that slept: five a second are half a thousandth of a core.
 */
const FIRST_SLICE = 20;
const LONGEST_SLICE = 200;

/**
 * Milliseconds until the longest slices of all threads of this process end: together, because what a wake costs is the
 * core's own, and it wakes for several threads as for one.
 */
function untilAllWake(): number {
  return LONGEST_SLICE - ((performance.timeOrigin + performance.now()) % LONGEST_SLICE);
}

/** Looks before a blocked thread gives its processor away, and times it does so before it sleeps. */
const SPINS = 200;
const YIELDS = 3;

/** Throws `ERR_MILLRACE_WOULD_BLOCK` on the main thread. */
export function checkMayBlock(what: string): void {
  if (!isMainThread) return;
  throw new MillraceError(
    'ERR_MILLRACE_WOULD_BLOCK',
    `${what} blocks its thread, which the main thread must not; use it in a worker, or 'for await'`,
  );
}

/**
 * Blocks this worker until `look` is true; whoever makes it true wakes this thread.
 *
 * The thread sleeps in native code, a slice at a time. Between slices it runs JavaScript, where V8
 * looks whether the worker was terminated: a loop of native calls alone would hold that up.
 *
 * @param spin Whether to look a while before sleeping.
 * @param sleeps Whether to sleep at all.
 * @param look Looks; has to arm what wakes this thread when `arm` is true.
 * @param meanwhile Called each time before this thread sleeps or lends its processor: what else it has to do.
 * @param until When to give up, as `performance.now()` tells it.
 * @returns false when the time was up before `look` was true.
 */
export function blockUntil(
  spin: boolean,
  sleeps: boolean,
  look: (arm: boolean) => boolean,
  meanwhile: () => void,
  until: number,
): boolean {
  // A ring whose waiters never sleep: nobody would wake this thread.
  while (!sleeps) {
    meanwhile();
    for (let i = 0; i < SPINS; i++) if (look(false)) return true;
    if (performance.now() >= until) return false;
    binding.yieldNow();
  }
  if (spin) {
    for (let i = 0; i < SPINS; i++) if (look(false)) return true;
    for (let i = 0; i < YIELDS; i++) {
      binding.yieldNow();
      if (look(false)) return true;
    }
  }
  let slice = FIRST_SLICE;
  for (;;) {
    meanwhile();
    if (look(true)) return true;
    const left = until - performance.now();
    if (left <= 0) return false;
    binding.park(Math.ceil(Math.min(slice < LONGEST_SLICE ? slice : untilAllWake(), left)));
    slice *= 2;
  }
}

/**
 * Blocks this worker for some time, a slice at a time as {@link blockUntil}. A wake that comes meanwhile is used up:
 * who waits next looks before it sleeps.
 *
 * @param meanwhile As of {@link blockUntil}.
 */
export function blockFor(milliseconds: number, meanwhile: () => void): void {
  const until = performance.now() + milliseconds;
  const left = () => until - performance.now();
  for (let rest = left(); rest > 0; rest = left()) {
    meanwhile();
    binding.park(Math.min(Math.ceil(rest), LONGEST_SLICE));
  }
}
