import { errorFromBytes, errorToBytes } from '../error-bytes.js';
import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { callNative } from './native-error.js';

/** @internal How a ring failed. */
export interface RingFailure {
  /** The stage that failed. */
  readonly stage: string;
  /** In the thread that it failed in what was thrown there, in others an error that tells the same. */
  readonly cause: unknown;
}

/** By the ring's memory: however often this thread has attached, all see the same cause. */
const failures = new WeakMap<SharedArrayBuffer, RingFailure>();

/** @internal Stops a ring because a stage failed. Everyone is told the cause, unless the ring has failed before. */
export function failRing(
  memory: SharedArrayBuffer,
  handle: number,
  { stage, cause }: RingFailure,
): void {
  const { message, bytes } = errorToBytes(cause);
  const first = callNative('stopping a ring', () =>
    binding.failRing(handle, stage, message, bytes),
  );
  if (first) failures.set(memory, { stage, cause });
}

/** @internal How a ring failed; undefined where nobody said, or all who knew have let go of it. */
export function ringFailure(memory: SharedArrayBuffer, handle: number): RingFailure | undefined {
  const known = failures.get(memory);
  if (known) return known;
  const told = callNative('asking how a ring failed', () => binding.ringFailure(handle));
  if (!told) return undefined;
  const { stage, message, details } = told;
  // A panic, which has no more to tell than its message.
  const native = details.length === 0;
  const cause = native
    ? new MillraceError('ERR_MILLRACE_INTERNAL', message)
    : errorFromBytes(details);
  const failure = { stage, cause };
  failures.set(memory, failure);
  return failure;
}

/** @internal What everyone gets who comes upon a ring that failed. */
export function failedError(failure: RingFailure | undefined): MillraceError {
  const code = 'ERR_MILLRACE_CONSUMER_FAILED';
  if (!failure) return new MillraceError(code, 'a stage failed, and this ring is stopped');
  const { stage, cause } = failure;
  return new MillraceError(code, `stage '${stage}' failed, and this ring is stopped`, { cause });
}
