import { aborted, checkObject, invalidArgument, MillraceError } from './errors.js';

/** How long a wait may take; every wait of Millrace takes these. */
export interface WaitOptions {
  /** Aborting it ends the wait with `ERR_MILLRACE_ABORTED`; the signal's reason is the `cause`. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds after which the wait ends with `ERR_MILLRACE_TIMEOUT`: 0 to 2147483647, or
   * `Infinity` (the default).
   */
  timeout?: number | undefined;
}

/**
 * Something that can be waited for. It is lazy: nothing happens, and nothing is taken, until it is
 * awaited. It happens once: awaiting it again gives the same outcome.
 */
export interface Operation<T> extends PromiseLike<T> {}

/** Something that hands out values one after another until it ends. */
export interface Source<T> extends AsyncIterable<T> {
  /** The next value; undefined when there will be none. Leaving the wait (signal, timeout) takes nothing. */
  receive(options?: WaitOptions): Operation<T | undefined>;
}

/**
 * @internal Takes back what `Start` began, because the wait ended without it. After it ran, calls of
 * `resolve` and `reject` do nothing.
 *
 * @param error What the wait ends with.
 */
export type Cancel = (error: MillraceError) => void;

/**
 * Begins a wait and returns how to take it back. It may settle at once; what it throws is what the
 * wait rejects with.
 */
export type Start<T> = (
  resolve: (value: T | PromiseLike<T>) => void,
  reject: (error: unknown) => void,
) => Cancel | undefined;

/** The longest delay a timer of Node can have; it takes a longer one for 1 ms. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * Throws `ERR_MILLRACE_INVALID_ARGUMENT` when `timeout` is given and not milliseconds a wait can
 * have.
 */
export function checkTimeout(timeout: unknown, option = 'timeout'): void {
  if (timeout === undefined || timeout === Infinity) return;
  if (typeof timeout === 'number' && timeout >= 0 && timeout <= LONGEST_TIMEOUT) return;
  throw invalidArgument(option, timeout, `milliseconds from 0 to ${LONGEST_TIMEOUT}, or Infinity`);
}

/** Throws `ERR_MILLRACE_INVALID_ARGUMENT` when `options` are not {@link WaitOptions}. */
export function checkWaitOptions(options: WaitOptions | undefined): void {
  if (options === undefined) return;
  checkObject('options', options, 'signal and timeout');
  const { signal, timeout } = options;
  checkTimeout(timeout);
  // By its shape: polyfills and signals of other realms are signals too.
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw invalidArgument('signal', signal, 'an AbortSignal');
  }
}

/**
 * Throws what a {@link wait} with these options rejects with before it starts: for options that are wrong, and for a
 * signal that is aborted already. For what may be done without a wait, and not when it was aborted before.
 */
export function checkMayStart(options: WaitOptions | undefined, what?: string): void {
  checkWaitOptions(options);
  if (options?.signal?.aborted) throw aborted(options.signal, what);
}

/**
 * The one wait: starts at once, and ends with what `start` settles it with, the signal or the
 * timeout, whichever comes first. When it has ended, no timer and no listener is left.
 *
 * A signal that is aborted already starts nothing.
 *
 * @param options Of the caller; checked here.
 * @param start Begins it; see {@link Start}.
 * @param what What is waited for, for messages: `'room in the ring'`.
 */
export function wait<T>(
  options: WaitOptions | undefined,
  start: Start<T>,
  what?: string,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    checkMayStart(options, what);
    const signal = options?.signal;
    const timeout = options?.timeout;
    let ended = false;
    let cancel: Cancel | undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = (): boolean => {
      if (ended) return false;
      ended = true;
      clearTimeout(timer);
      if (signal) forget(signal, onAbort);
      return true;
    };
    const fail = (error: MillraceError): void => {
      if (!end()) return;
      reject(error);
      cancel?.(error);
    };
    const onAbort = (from: AbortSignal): void => fail(aborted(from, what));
    try {
      cancel = start(
        (value) => {
          if (end()) resolve(value);
        },
        (error) => {
          if (end()) reject(error);
        },
      );
    } catch (error) {
      if (end()) reject(error);
    }
    if (ended) return;
    if (signal) listen(signal, onAbort);
    if (signal?.aborted) onAbort(signal);
    if (timeout !== undefined && timeout !== Infinity) {
      timer = setTimeout(() => fail(timedOut(timeout, what)), timeout);
    }
  });
}

/**
 * An {@link Operation}: a {@link wait} that starts when it is first awaited. Options are checked
 * at once, so that a wrong one is seen where it was written.
 */
export function operation<T>(
  options: WaitOptions | undefined,
  start: Start<T>,
  what?: string,
): Operation<T> {
  checkWaitOptions(options);
  return new LazyOperation(options, start, what);
}

class LazyOperation<T> implements Operation<T> {
  readonly #options: WaitOptions | undefined;
  readonly #start: Start<T>;
  readonly #what: string | undefined;
  #promise: Promise<T> | undefined;

  constructor(options: WaitOptions | undefined, start: Start<T>, what: string | undefined) {
    this.#options = options;
    this.#start = start;
    this.#what = what;
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what an operation is
  then<A = T, B = never>(
    onfulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= wait(this.#options, this.#start, this.#what);
    return this.#promise.then(onfulfilled, onrejected);
  }

  get [Symbol.toStringTag](): string {
    return 'Operation';
  }
}

function timedOut(timeout: number, what: string | undefined): MillraceError {
  const waited = what === undefined ? 'the wait' : `waiting for ${what}`;
  return new MillraceError('ERR_MILLRACE_TIMEOUT', `${waited} took longer than ${timeout} ms`);
}

type OnAbort = (signal: AbortSignal) => void;

/**
 * Who waits on which signal. An `EventTarget` looks through its whole list at each
 * `addEventListener` and `removeEventListener`: a thousand waits under one signal would cost a
 * million steps. So each signal has one listener, and a set that costs the same at any size.
 */
const listeners = new WeakMap<AbortSignal, Set<OnAbort>>();

function listen(signal: AbortSignal, listener: OnAbort): void {
  const set = listeners.get(signal);
  if (set) {
    if (set.size === 0) signal.addEventListener('abort', abortAll, { once: true });
    set.add(listener);
    return;
  }
  listeners.set(signal, new Set([listener]));
  signal.addEventListener('abort', abortAll, { once: true });
}

function forget(signal: AbortSignal, listener: OnAbort): void {
  const set = listeners.get(signal);
  if (set?.delete(listener) && set.size === 0) signal.removeEventListener('abort', abortAll);
}

function abortAll(event: Event): void {
  const signal = event.currentTarget as AbortSignal;
  // Each listener deletes itself, which a set allows while it is walked.
  for (const listener of listeners.get(signal) ?? []) listener(signal);
}
