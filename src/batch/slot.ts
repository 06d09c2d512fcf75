/** Waits to be taken. */
export const WAITING = 0;
/** A handler has it. */
export const TAKEN = 1;
/** Settled or withdrawn; whatever its handler still says about it is dropped. */
export const GONE = 2;

/** Where an item is: it goes from waiting to taken to gone or, withdrawn, straight to gone. */
export type Place = typeof WAITING | typeof TAKEN | typeof GONE;

/**
 * One item and the way back to whoever pushed it. The only thing a push allocates beside its
 * promise.
 */
export interface Slot<Item, Result> {
  place: Place;
  readonly item: Item;
  fulfil(result: Result): void;
  fail(error: unknown): void;
}

/** The slot of `push`: answers a promise. Its fields are not `#private`, which costs 5 % of a push. */
export class PromiseSlot<Item, Result> implements Slot<Item, Result> {
  place: Place = WAITING;
  readonly item: Item;
  private readonly resolve: (result: Result) => void;
  private readonly reject: (error: unknown) => void;

  constructor(item: Item, resolve: (result: Result) => void, reject: (error: unknown) => void) {
    this.item = item;
    this.resolve = resolve;
    this.reject = reject;
  }

  fulfil(result: Result): void {
    this.resolve(result);
  }

  fail(error: unknown): void {
    this.reject(error);
  }
}

/**
 * Told when an item has settled: `error` is undefined when it has a result. `argument` is what was
 * given with the item, so that one function serves all items and none needs a closure.
 */
export type Settled<Result, Argument> = (
  error: unknown,
  result: Result | undefined,
  argument: Argument,
) => void;

/** The slot of an item without a promise: answers a function. */
export class CallbackSlot<Item, Result, Argument> implements Slot<Item, Result> {
  place: Place = WAITING;
  readonly item: Item;
  private readonly settled: Settled<Result, Argument>;
  private readonly argument: Argument;

  constructor(item: Item, settled: Settled<Result, Argument>, argument: Argument) {
    this.item = item;
    this.settled = settled;
    this.argument = argument;
  }

  fulfil(result: Result): void {
    this.#call(undefined, result);
  }

  fail(error: unknown): void {
    // Something that rejects with nothing must not look like a result.
    this.#call(error ?? new Error('the batch handler rejected with nothing'), undefined);
  }

  #call(error: unknown, result: Result | undefined): void {
    try {
      this.settled(error, result, this.argument);
    } catch (thrown) {
      // It must not keep the other items of the batch from their results, nor be lost.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
