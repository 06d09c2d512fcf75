import { getSystemErrorName } from 'node:util';
import { type ErrorCode, MillraceError, systemError } from '../errors.js';
import { binding, type Completion } from '../native/binding.js';
import { Bell } from './bell.js';

/** Sources of one thread; the native side has as many bits. */
const MAX_SOURCES = 1024;

/** What is done when a source of this thread is ready. */
type OnReady = () => void;

/** Settles one call that is answered later. */
interface Call {
  told?: ((message: string, number: number) => void) | undefined;
  resolve(completion: Completion): void;
  reject(error: Error): void;
}

const bell = new Bell(callSource);
/** By number. Number 0 stands for completions. */
const sources: (OnReady | undefined)[] = [fetchCompletions];
const freeSources: number[] = [];
/** The last number that was made: numbers in use may have nobody who listens. */
let lastSource = 0;
const calls = new Map<number, Call>();
let lastCall = 0;
let holds = 0;

/** The number of this thread's environment in native code. */
export const environment: number = binding.attachEnvironment(bell.words, bell.answer);

/**
 * A number that native code, or another thread, rings for; each ring calls `onReady`, which may find
 * nothing to do. What it refers to is kept alive: see {@link listenToSource}.
 */
export function openSource(onReady?: OnReady): number {
  const source = freeSources.pop() ?? lastSource + 1;
  if (source >= MAX_SOURCES) {
    throw new MillraceError(
      'ERR_MILLRACE_FULL',
      `this thread has ${MAX_SOURCES} producers, consumers and listeners open; close some`,
    );
  }
  lastSource = Math.max(lastSource, source);
  sources[source] = onReady;
  return source;
}

/**
 * Has `onReady` called when the source is rung for, or nothing. An object that listens only while it
 * waits can be collected when it is forgotten.
 */
export function listenToSource(source: number, onReady: OnReady | undefined): void {
  sources[source] = onReady;
}

/** Gives a source back, once nothing rings for it any more. */
export function closeSource(source: number): void {
  sources[source] = undefined;
  freeSources.push(source);
}

const kept = new Set<object>();

/**
 * Keeps `thing` alive until {@link letGo}: shared memory whose address native code has. Here and not
 * beside its users, because the doorbell's callback keeps this module, whatever becomes of others (a
 * test runner collects modules while the environment lives on).
 */
export function keep(thing: object): void {
  kept.add(thing);
}

/** Takes {@link keep} back. */
export function letGo(thing: object): void {
  kept.delete(thing);
}

/** Keeps this thread's event loop alive until {@link releaseLoop} is called as often. */
export function holdLoop(): void {
  holds += 1;
  if (holds === 1) binding.holdEventLoop(environment, true);
}

/** Takes one {@link holdLoop} back. */
export function releaseLoop(): void {
  holds -= 1;
  if (holds === 0) binding.holdEventLoop(environment, false);
}

const eventLoop = { hold: holdLoop, release: releaseLoop };

/**
 * Makes a call that native code answers later; the loop is held meanwhile.
 *
 * @param start Gets the number that the answer must carry.
 * @param place What to name in a system error, and what to do about it, by its code.
 * @param holder Through whom the loop is held.
 * @param told Called with what is told before the answer; it does not throw.
 */
export async function call(
  start: (call: number) => void,
  place: {
    syscall: string;
    address?: string;
    port?: number;
    hint?: Readonly<Record<string, string>>;
  } = {
    syscall: 'call',
  },
  holder: { hold(): void; release(): void } = eventLoop,
  told?: (message: string, number: number) => void,
): Promise<Completion> {
  lastCall += 1;
  const number = lastCall;
  holder.hold();
  try {
    const completion = await new Promise<Completion>((resolve, reject) => {
      calls.set(number, { told, resolve, reject });
      start(number);
    });
    if (completion.code !== undefined) throw failure(completion, place);
    return completion;
  } finally {
    calls.delete(number);
    holder.release();
  }
}

function failure(completion: Completion, place: NonNullable<Parameters<typeof call>[1]>): Error {
  const { code = '', errno, message } = completion;
  if (errno === undefined) {
    return new MillraceError(`ERR_MILLRACE_${code}` as ErrorCode, message);
  }
  const { hint, ...where } = place;
  const name = getSystemErrorName(-errno);
  return systemError({ code: name, errno, ...where }, hint?.[name]);
}

function fetchCompletions(): void {
  for (const completion of binding.takeCompletions(environment)) {
    const one = calls.get(completion.call);
    const { interim, message = '', numbers } = completion;
    if (interim) one?.told?.(message, numbers[0] as number);
    else one?.resolve(completion);
  }
}

function callSource(source: number): void {
  try {
    sources[source]?.();
  } catch (error) {
    // One that throws must not keep the others from being called.
    queueMicrotask(() => {
      throw error;
    });
  }
}
