import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { BatchQueue, type Consumer, type EventBatch, Ring, type RunOptions } from 'millrace';
import { random } from '../ring/random.js';
import { Board, ended, type Life, left, visitorRole } from './board.js';
import { checkOf, type Event, markOf, type PlannedStage } from './plan.js';

/** What a consumer's worker is asked for. */
export interface Consuming {
  readonly handle: unknown;
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly first: number;
  readonly capacity: number;
  /** Who joins has no index, and is before and after nobody. */
  readonly stage: PlannedStage | { readonly name: string; readonly after: readonly string[] };
}

const { handle, board: memory, seed, first, capacity, stage } = workerData as Consuming;
const ring = Ring.attach(handle as never);
const board = new Board(memory);
const below = random(seed);
const declared = 'index' in stage ? stage : undefined;
const pause = new Int32Array(new SharedArrayBuffer(4));

const ways = ['for await', 'poll', 'receive', 'manual', 'into', 'waitSync', 'run'] as const;
export type Way = (typeof ways)[number];

function problem(what: string): void {
  parentPort?.postMessage({ problem: `stage ${stage.name}, seed ${seed}: ${what}` });
}

type StageConsumer = Consumer<Event & { copy(): Event }>;
type Batch = EventBatch<Event & { copy(): Event }>;

/** One opening of the stage. */
class Visit {
  readonly #consumer: StageConsumer;
  readonly #life: Life;
  readonly #way: Way;
  /** Batches after which it leaves. */
  #batches = 1 + below(60);

  constructor() {
    const way = below(ways.length);
    this.#way = ways[way] as Way;
    const options = {
      maxBatch: 1 + below(below(2) === 0 ? 8 : capacity),
      release: this.#way === 'manual' ? 'manual' : 'auto',
    } as const;
    this.#consumer = (declared
      ? ring.consumer(stage.name as never, options)
      : ring.join(stage.name, {
          ...options,
          after: ('after' in stage ? stage.after : []) as never[],
          from: below(2) === 0 ? 'now' : 'oldest',
        })) as unknown as StageConsumer;
    this.#life = board.begin(declared?.index ?? visitorRole, way);
    this.#life.floor = 0;
  }

  /** Whether the ring goes on. */
  async go(): Promise<boolean> {
    const whole = await this[this.#way]();
    this.#life.state = whole ? ended : left;
    this.#consumer.close();
    return !whole;
  }

  #take(event: Event, sequence: number): void {
    const { life, n } = event;
    if (event.check !== checkOf(life, n)) problem(`a torn event ${life}/${n} at ${sequence}`);
    for (const index of declared?.before ?? []) {
      const mark = event[`m${index}` as 'm0'];
      if (mark !== markOf(life, n, index))
        problem(`${life}/${n} came before stage ${index} did it`);
    }
    if (declared) event[`m${declared.index}` as 'm0'] = markOf(life, n, declared.index);
    board.log(this.#life.number, life, n, sequence - first);
  }

  #begin(batch: Batch): void {
    this.#life.floor = batch.sequence - first;
    this.#batches -= 1;
  }

  /** All events of a batch; false when it was left before one of them. */
  #all(batch: Batch): boolean {
    let { sequence } = batch;
    const until = below(10) === 0 ? sequence + below(batch.length) : Infinity;
    for (const event of batch) {
      if (sequence === until) {
        this.#life.floor = sequence - first;
        return false;
      }
      this.#take(event, sequence++);
    }
    return true;
  }

  async #breathe(): Promise<void> {
    if (below(10) === 0) await setTimeout(below(4));
  }

  async 'for await'(): Promise<boolean> {
    for (;;) {
      let broken = false;
      for await (const batch of this.#consumer) {
        this.#begin(batch);
        broken = !this.#all(batch) || this.#batches <= 0;
        if (broken) break;
        await this.#breathe();
      }
      if (!broken) return true;
      if (this.#batches <= 0) return false;
    }
  }

  async poll(): Promise<boolean> {
    while (this.#batches > 0) {
      const batch = this.#consumer.poll(1 + below(capacity));
      if (batch) {
        this.#begin(batch);
        if (!this.#all(batch)) return false;
        await this.#breathe();
      } else if (this.#consumer.ended) return true;
      else await setImmediate();
    }
    return false;
  }

  /** The next batch: undefined at the end of the ring, null when the time was up. */
  async #receive(options: { timeout?: number }): Promise<Batch | undefined | null> {
    try {
      return await this.#consumer.receive(options);
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_MILLRACE_TIMEOUT') return null;
      throw error;
    }
  }

  async receive(): Promise<boolean> {
    while (this.#batches > 0) {
      const batch = await this.#receive(below(2) === 0 ? {} : { timeout: below(4) });
      if (batch === undefined) return true;
      if (batch === null) continue;
      this.#begin(batch);
      if (!this.#all(batch)) return false;
      await this.#breathe();
    }
    return false;
  }

  async manual(): Promise<boolean> {
    const consumer = this.#consumer;
    const most = (declared?.workers ?? 0) > 0 ? 0 : below(4);
    let held: number[] = [];
    const release = (sequence: number) => {
      consumer.release(sequence);
      this.#life.floor = sequence - first;
      held = held.filter((end) => end > sequence);
    };
    while (this.#batches > 0) {
      // Who holds all of the ring, with what producers gave up in it, waits in vain.
      const batch = await this.#receive(held.length > 0 ? { timeout: 20 } : {});
      if (batch === null) release(held.at(-1) as number);
      else if (batch) {
        this.#batches -= 1;
        if (below(4) === 0) release(batch.sequence);
        for (let i = 0; i < batch.length; i++) {
          this.#take(batch.at(i) as Event, batch.sequence + i);
        }
        held.push(batch.end);
        await this.#breathe();
        while (held.length > most) release(held[0] as number);
      } else {
        if (held.length > 0) release(held.at(-1) as number);
        return true;
      }
    }
    return false;
  }

  async into(): Promise<boolean> {
    const consumer = this.#consumer;
    const failAt = below(3) === 0 ? below(500) : Infinity;
    let taken = 0;
    const queue = BatchQueue.create<number, number>(
      async (batch) => {
        await this.#breathe();
        return batch.take().map((n) => (n === failAt ? new Error('failed') : n));
      },
      { maxBatch: 1 + below(64), queueLimit: 1 + below(200) },
    );
    try {
      await consumer.into(queue, {
        map: (event, sequence) => {
          this.#life.floor = consumer.stats().sequence - first;
          this.#take(event, sequence);
          return below(5) === 0 ? undefined : taken++;
        },
      });
    } catch (error) {
      if ((error as Error).message !== 'failed') throw error;
      return false;
    } finally {
      await queue.close();
    }
    return true;
  }

  async waitSync(): Promise<boolean> {
    while (this.#batches > 0) {
      if (this.#consumer.waitSync({ timeout: below(20) })) {
        const batch = this.#consumer.poll();
        if (!batch) continue;
        this.#begin(batch);
        if (!this.#all(batch)) return false;
        if (below(10) === 0) Atomics.wait(pause, 0, 0, below(4));
      } else if (this.#consumer.ended) return true;
    }
    return false;
  }

  async run(): Promise<boolean> {
    let failing = -1;
    let attempts = 0;
    let floor = true;
    const policies: readonly RunOptions[] = [
      {},
      {
        onError: 'skip',
        skipped: (error, sequence) => {
          if (sequence !== failing) problem(`${sequence} is told in place of ${failing}: ${error}`);
        },
      },
      { onError: 'retry', attempts: 4, backoff: below(2) },
    ];
    const policy = policies[below(policies.length)] as RunOptions;
    this.#life.retries = policy.onError === 'retry';
    this.#consumer.run((event, sequence, endOfBatch) => {
      if (floor) this.#life.floor = sequence - first;
      floor = endOfBatch;
      if (below(100) === 0) Atomics.wait(pause, 0, 0, below(3));
      const skip = policy.onError === 'skip' && below(30) === 0;
      // What is passed over counts as seen.
      if (policy.onError !== 'retry' || attempts === 3 || below(30) > 0)
        this.#take(event, sequence);
      else {
        attempts += 1;
        // The batch begins again.
        floor = true;
        throw new Error('again');
      }
      if (endOfBatch) attempts = 0;
      if (!skip) return;
      failing = sequence;
      throw new Error('passed over');
    }, policy);
    return true;
  }
}

try {
  while (await new Visit().go()) if (below(3) === 0) await setTimeout(below(5));
} catch (error) {
  // Nobody joins a ring that is closed.
  if (declared || (error as { code?: string }).code !== 'ERR_MILLRACE_CLOSED') throw error;
}
parentPort?.postMessage('over');
