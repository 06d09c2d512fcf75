import { setImmediate } from 'node:timers/promises';
import type { Batch } from 'millrace';

/** A promise and its two ends. */
export interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let ends!: Omit<Deferred<T>, 'promise'>;
  const promise = new Promise<T>((resolve, reject) => {
    ends = { resolve, reject };
  });
  return { promise, ...ends };
}

/** One call of a {@link scripted} handler: the test takes and settles in its place. */
export interface Call<Item, Result> extends Deferred<(Result | Error)[]> {
  batch: Batch<Item>;
}

/** A handler that does what the test says, and its calls so far. */
export function scripted<Item = number, Result = string>() {
  const calls: Call<Item, Result>[] = [];
  const handler = (batch: Batch<Item>) => {
    const call = { batch, ...deferred<(Result | Error)[]>() };
    calls.push(call);
    return call.promise;
  };
  return { calls, handler, call: (n: number) => calls[n] as Call<Item, Result> };
}

/** Until everything that can start by itself has started: microtasks, ticks, one turn of the loop. */
export const drained = () => setImmediate();

/** How a promise ended. */
export const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error) => error.code ?? error.message,
  );
