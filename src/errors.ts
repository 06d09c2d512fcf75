import { getSystemErrorMap, inspect } from 'node:util';

/**
 * Every code Millrace throws or rejects with, and what it means in one line.
 *
 * `docs/errors.md` has a row for each: what happened, what was lost, what to do.
 */
export const errorCodes = Object.freeze({
  ERR_MILLRACE_INVALID_ARGUMENT: 'An argument or option has a value that is not allowed.',
  ERR_MILLRACE_CLOSED: 'The object was closed and takes nothing new.',
  ERR_MILLRACE_FULL: 'There is no room, and waiting for it was not asked for.',
  ERR_MILLRACE_TIMEOUT: 'The timeout of a wait passed first.',
  ERR_MILLRACE_ABORTED: 'The signal of a wait was aborted first.',
  ERR_MILLRACE_CANCELLED: 'The task, or the scope it belongs to, was cancelled.',
  ERR_MILLRACE_WOULD_BLOCK: 'The call would block a thread that must not block.',
  ERR_MILLRACE_FIELD_OWNERSHIP:
    'A stage wrote a field that it does not own, or would read one that is being written.',
  ERR_MILLRACE_STALE:
    'An event, record, message or claim was used after its step was over, or it was released.',
  ERR_MILLRACE_FRAME_TOO_LARGE: 'A frame is larger than its framing allows.',
  ERR_MILLRACE_PROTOCOL: 'A peer sent bytes that its framing does not allow.',
  ERR_MILLRACE_WRITE_LIMIT: 'A connection has more unsent bytes than its write limit.',
  ERR_MILLRACE_CONSUMER_FAILED: 'A consumer failed and its ring is stopped.',
  ERR_MILLRACE_BATCH_RESULT: 'A batch handler did not return one result for each item it took.',
  ERR_MILLRACE_TASK_FAILED: 'A task threw something that is not an error, or that cannot travel.',
  ERR_MILLRACE_TASK_TERMINATED: 'The thread that ran a task ended before the task did.',
  ERR_MILLRACE_NATIVE_MISSING: 'No native binary for this platform could be loaded.',
  ERR_MILLRACE_INTERNAL: 'A defect in Millrace: a native part panicked or broke an invariant.',
});

/** A code of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/**
 * The mark that `instanceof MillraceError` looks for. It is registered, so that two copies of this
 * package, and two realms, know each other's errors.
 */
const brand = Symbol.for('millrace.error');

/**
 * Every error of Millrace, told apart by `code`. Failures of the operating system are the exception:
 * they keep Node's shape, a plain `Error` with `code` (`'EADDRINUSE'`), `errno` and `syscall`.
 *
 * `instanceof` holds across copies of the package and across realms. An error with
 * `ERR_MILLRACE_INVALID_ARGUMENT` is a `TypeError` as well.
 *
 * @example
 * try {
 *   await queue.push(row, { timeout: 100 });
 * } catch (error) {
 *   if (error instanceof MillraceError && error.code === 'ERR_MILLRACE_TIMEOUT') retryLater(row);
 *   else throw error;
 * }
 */
export class MillraceError extends Error {
  /** Every code with its meaning in one line. */
  static readonly codes: typeof errorCodes = errorCodes;

  /** What happened, for programs. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string = errorCodes[code], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // The only way to be an instance of both: `TypeError` is the base, the brand does the rest.
    if (code === 'ERR_MILLRACE_INVALID_ARGUMENT' && new.target === MillraceError) {
      // biome-ignore lint/correctness/noConstructorReturn: so that no caller must know of a second class
      return new InvalidArgumentError(message, options) as unknown as MillraceError;
    }
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this and is asked the ordinary way.
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof
    if (this !== MillraceError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** The shape of `ERR_MILLRACE_INVALID_ARGUMENT`. */
class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_MILLRACE_INVALID_ARGUMENT';
}

// On the prototypes and not enumerable, so that printing an error shows its code and nothing else.
for (const prototype of [MillraceError.prototype, InvalidArgumentError.prototype]) {
  Object.defineProperty(prototype, brand, { value: true });
}
Object.defineProperty(MillraceError.prototype, 'name', {
  value: 'MillraceError',
  writable: true,
  configurable: true,
});

/**
 * The error for an option or argument that has a value which is not allowed.
 *
 * @param option Its name as the caller wrote it: `'maxBatch'`, `'writeLimit.policy'`.
 * @param got What came.
 * @param allowed What is allowed, as the end of "… must be": `'a whole number from 1 to 65536'`.
 */
export function invalidArgument(option: string, got: unknown, allowed: string): MillraceError {
  const shown = inspect(got, {
    depth: 0,
    maxStringLength: 80,
    maxArrayLength: 3,
    breakLength: Infinity,
  });
  return new MillraceError(
    'ERR_MILLRACE_INVALID_ARGUMENT',
    `${option} must be ${allowed}; got ${shown}`,
  );
}

/** Throws the error for a callback that is no function. */
export function checkFunction(option: string, got: unknown): void {
  if (typeof got !== 'function') throw invalidArgument(option, got, 'a function');
}

/** Throws the error for options, or a definition, that are no object; `members` are what it may have. */
export function checkObject(option: string, got: unknown, members: string): void {
  if (typeof got === 'object' && got !== null) return;
  throw invalidArgument(option, got, `an object with ${members}`);
}

/**
 * The error for a wait whose signal was aborted; its `cause` is the signal's reason.
 *
 * @param signal The aborted signal.
 * @param what What was waited for, as the end of "aborted while waiting for".
 */
export function aborted(signal: AbortSignal, what?: string): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_ABORTED',
    what === undefined ? 'the wait was aborted by its signal' : `aborted while waiting for ${what}`,
    { cause: signal.reason },
  );
}

/** What the operating system said, with the names Node uses. */
export interface SystemFailure {
  /** The symbolic name: `'EADDRINUSE'`. */
  code: string;
  /** The number, in either sign; looked up from `code` when left out. */
  errno?: number;
  /** The system call that failed: `'listen'`. */
  syscall: string;
  address?: string;
  port?: number;
  path?: string;
}

/** An error in the shape Node gives system errors. */
export interface SystemError extends NodeJS.ErrnoException {
  address?: string;
  port?: number;
}

/**
 * A failure of the operating system in Node's shape: a plain `Error` with `code`, `errno`,
 * `syscall`, and `address`, `port` and `path` where they apply.
 *
 * @param failure What the operating system said.
 * @param hint What to do about it, appended to the message.
 */
export function systemError(failure: SystemFailure, hint?: string): SystemError {
  const { code, syscall, address, port, path } = failure;
  const known = [...getSystemErrorMap()].find(([, [name]]) => name === code);
  const errno = failure.errno === undefined ? known?.[0] : -Math.abs(failure.errno);
  const place = [address, port].filter((part) => part !== undefined).join(':') || path;
  let message = `${syscall} ${code}`;
  if (known) message += `: ${known[1][1]}`;
  if (place) message += ` ${place}`;
  if (hint) message += ` (${hint})`;
  const error: SystemError = new Error(message);
  error.code = code;
  if (errno !== undefined) error.errno = errno;
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  if (path !== undefined) error.path = path;
  return error;
}
