import type { Buffer } from 'node:buffer';
import { TURN } from '../park/turn.js';
import { ByteRing, type StageRecord } from '../ring/byte-ring.js';
import type { RecordView } from '../ring/record.js';
import { flushStaged } from '../ring/staged.js';

/** What a listener's own ring carries; the numbers of crates/reactor. */
export const incoming = { OPEN: 0, FRAME: 1, CLOSE: 2, ERROR: 3 } as const;

/** @internal */
const header = { kind: 'u32', connection: 'u32', reply: 'u32', detail: 'u32' } as const;
const stages = { reader: {} } as const;

/** @internal One thing the reactor says about a listener's connections. */
export type Incoming = StageRecord<typeof header, Record<never, never>> &
  /** The byte offset of the payload in {@link Inbox.memory}. */
  Pick<RecordView, '$start'>;

const LEAST_CAPACITY = 1 << 20;
/** Records between two looks at the clock, which costs as much as an empty handler. */
const LOOK_EVERY = 16;
/** Most granules of the ring that are taken at once, so that they are free again long before all is handled. */
const BATCH = 4096;

/** @internal A listener's own ring, from the reactor to this thread. */
export class Inbox {
  readonly #ring: ByteRing<typeof header, typeof stages>;
  readonly #consumer;
  #handle: ((record: Incoming) => void) | undefined;
  /** What is left of the batch in hand, when the turn was over in the middle of it. */
  #rest: Iterator<Incoming> | undefined;
  /** The batch that {@link take} gave. */
  #taken: Iterator<Incoming> | undefined;
  /** What was not taken when it was closed; in memory that nobody writes to any more. */
  #last: Incoming[] = [];
  #closed = false;

  /** @param maxFrame Bytes of the largest message that must fit. */
  constructor(maxFrame: number) {
    const capacity = Math.max(LEAST_CAPACITY, 2 ** Math.ceil(Math.log2(maxFrame * 4)));
    this.#ring = ByteRing.create({ capacity, header, stages });
    // It is the listener that holds the event loop.
    this.#consumer = this.#ring.consumer('reader', { maxBatch: BATCH }).unref();
  }

  /** What native code knows the ring by. */
  get native(): number {
    return this.#ring.memory.handle;
  }

  /** The memory that payloads lie in. */
  get memory(): Buffer {
    return this.#ring.memory.arrays.bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `handle`, which must not throw, for everything that comes, in order; several in one turn of the event loop. */
  start(handle: (record: Incoming) => void): void {
    this.#handle = handle;
    this.#drain();
  }

  readonly #drain = (): void => {
    if (this.#closed) return;
    const until = performance.now() + TURN;
    for (;;) {
      const steps = this.#rest ?? this.#poll();
      if (steps) {
        const whole = this.#handleAll(steps, until);
        this.#rest = whole ? undefined : steps;
        flushStaged();
        if (whole) continue;
        setImmediate(this.#drain);
        return;
      }
      if (!this.arm(this.#drain) || this.ended) return;
    }
  };

  #poll(): Iterator<Incoming> | undefined {
    return this.#consumer.poll()?.[Symbol.iterator]() as Iterator<Incoming> | undefined;
  }

  /** False when the time was up first. */
  #handleAll(steps: Iterator<Incoming>, until: number): boolean {
    const handle = this.#handle as (record: Incoming) => void;
    let left = LOOK_EVERY;
    for (let step = steps.next(); !step.done; step = steps.next()) {
      handle(step.value);
      left -= 1;
      if (left > 0) continue;
      if (performance.now() > until) return false;
      left = LOOK_EVERY;
    }
    return true;
  }

  /**
   * The records that are there; undefined when there are none. Those given before are passed. After {@link close} what
   * was left then.
   */
  take(): Iterator<Incoming> | undefined {
    if (this.#closed) return this.#last.length > 0 ? this.#takeLast() : undefined;
    this.#taken = this.#poll();
    return this.#taken;
  }

  /** One by one: those that are not asked for stay. */
  *#takeLast(): Generator<Incoming> {
    for (let one = this.#last.shift(); one; one = this.#last.shift()) yield one;
  }

  /**
   * Has `ready` called once when there may be something to {@link take}, or nothing more will come; true when it is so
   * already: then it is not called. Only the last one given is called.
   */
  arm(ready: () => void): boolean {
    return this.#consumer.arm(ready);
  }

  /** True when nothing more will come. */
  get ended(): boolean {
    return this.#consumer.ended;
  }

  /** Records that were given and not passed are given again. */
  leave(): void {
    this.#taken = undefined;
    if (!this.#closed) void this.#consumer[Symbol.asyncIterator]().return?.();
  }

  /**
   * Ends it. What is there is handed to who was given to {@link start}.
   *
   * @param keep Whether {@link take} still gives what is there.
   */
  close(keep = false): void {
    if (this.#closed) return;
    if (this.#handle) {
      for (let steps = this.#rest ?? this.#poll(); steps; steps = this.#poll()) {
        this.#handleAll(steps, Infinity);
      }
    } else if (keep) {
      for (let steps = this.#taken ?? this.#poll(); steps; steps = this.#poll()) {
        for (let step = steps.next(); !step.done; step = steps.next()) this.#keep(step.value);
      }
    }
    this.#closed = true;
    this.#ring.memory.close();
    this.#consumer.close();
    this.#ring.detach();
  }

  #keep({ kind, connection, reply, detail, length, $start }: Incoming): void {
    const bytes = this.memory.subarray($start, $start + length);
    this.#last.push({ kind, connection, reply, detail, length, $start, bytes } as Incoming);
  }
}
