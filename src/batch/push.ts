import { checkWaitOptions, type WaitOptions, wait } from '../operation.js';
import type { BatchEngine } from './batch-engine.js';
import { PromiseSlot } from './slot.js';

// One executor for all promises of pushes: a closure each would cost more than the slot does.
let resolvePush: (result: never) => void;
let rejectPush: (error: unknown) => void;
const capture = (resolve: (result: never) => void, reject: (error: unknown) => void): void => {
  resolvePush = resolve;
  rejectPush = reject;
};

/** Hands an item to an engine; the promise is that item's result. */
export function push<Item, Result>(
  engine: BatchEngine<Item, Result>,
  item: Item,
  options: WaitOptions | undefined,
): Promise<Result> {
  if (options !== undefined) return pushWaiting(engine, item, options);
  const refusal = engine.refusal();
  if (refusal !== undefined) return Promise.reject(refusal);
  const promise = new Promise<Result>(capture);
  const resolve = resolvePush as (result: Result) => void;
  engine.add(new PromiseSlot<Item, Result>(item, resolve, rejectPush));
  return promise;
}

/** A push that a signal or timeout may end. */
function pushWaiting<Item, Result>(
  engine: BatchEngine<Item, Result>,
  item: Item,
  options: WaitOptions,
): Promise<Result> {
  try {
    checkWaitOptions(options);
  } catch (error) {
    return Promise.reject(error);
  }
  // `wait` starts nothing then, and the counts must add up all the same.
  if (options.signal?.aborted) engine.countAborted();
  return wait<Result>(
    options,
    (resolve, reject) => {
      const refusal = engine.refusal();
      if (refusal !== undefined) {
        reject(refusal);
        return undefined;
      }
      const slot = new PromiseSlot<Item, Result>(item, resolve, reject);
      engine.add(slot);
      return (error) => engine.withdraw(slot, error);
    },
    'the result of a batch',
  );
}
