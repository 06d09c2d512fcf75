import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  BatchQueue,
  ByteRing,
  type Consumer,
  type EventBatch,
  type RecordBatch,
  Ring,
  type RunOptions,
} from 'millrace';
import { random } from '../ring/random.js';
import { Board, ended, failed, type Life, left, visitorRole } from './board.js';
import { checkOf, digestOf, markOf, payloadOf, rawOf, type Taken } from './event.js';
import type { PlannedStage } from './plan.js';

/** What a thread that consumes is asked for. */
export interface Consuming {
  readonly handle: unknown;
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly first: number;
  /** Places of the ring. */
  readonly capacity: number;
  readonly records: boolean;
  readonly payload: number;
  /** Whether consumers sleep: the others have no place on an event loop. */
  readonly sleeps: boolean;
  /** Whether a stage of the ring is to fail. */
  readonly fails: boolean;
  /** Who joins has no index, and is before and after nobody. */
  readonly stage: PlannedStage | { readonly name: string; readonly after: readonly string[] };
}

const ways = ['for await', 'poll', 'receive', 'manual', 'into', 'waitSync', 'run'] as const;
type Way = (typeof ways)[number];
const blocking: readonly Way[] = ['waitSync', 'run'];
const sleeping: readonly Way[] = ['for await', 'receive', 'manual', 'into'];

const pause = new Int32Array(new SharedArrayBuffer(4));

type StageConsumer = Consumer<Taken & { copy(): Taken }>;
type Batch = EventBatch<Taken & { copy(): Taken }> & RecordBatch<Taken>;

/** What a handler fails its ring with. */
class Fatal extends Error {}

/** What a thread does as a consumer: it opens the stage in every way there is, and leaves it, until the ring has ended. */
export class ConsumerRole {
  readonly asked: Consuming;
  readonly ring;
  readonly board: Board;
  readonly below: (n: number) => number;
  readonly declared: PlannedStage | undefined;
  readonly ways: readonly Way[];
  readonly #tell: (problem: string) => void;
  /** This hold of the ring has ended. */
  gone = false;

  /** @param blocks Whether its thread may. */
  constructor(asked: Consuming, blocks: boolean, tell: (problem: string) => void) {
    this.asked = asked;
    this.ring = (asked.records ? ByteRing : Ring).attach(asked.handle as never);
    this.board = new Board(asked.board);
    this.below = random(asked.seed);
    this.declared = 'index' in asked.stage ? asked.stage : undefined;
    const allowed = (way: Way) =>
      (blocks || !blocking.includes(way)) && (asked.sleeps || !sleeping.includes(way));
    // A stage that is to fail does so in `run`.
    this.ways = this.declared?.failure && blocks ? ['run'] : ways.filter(allowed);
    this.#tell = tell;
  }

  problem(what: string): void {
    const { stage, seed } = this.asked;
    this.#tell(`stage ${stage.name}, seed ${seed}: ${what}`);
  }

  async run(): Promise<void> {
    const { asked, below, declared } = this;
    try {
      while (await new Visit(this).go()) if (below(3) === 0) await setTimeout(below(5));
    } catch (error) {
      const { code } = error as { code?: string };
      if (this.gone || error instanceof Fatal) return;
      if (code === 'ERR_MILLRACE_CONSUMER_FAILED' && asked.fails) return;
      // Nobody joins a ring that is closed.
      if (declared || code !== 'ERR_MILLRACE_CLOSED') throw error;
    }
  }

  /** Lets go of the ring in the middle of whatever it does. */
  leave(): void {
    this.gone = true;
    this.ring.detach();
  }

  settle(): void {}
}

/** One opening of the stage. */
class Visit {
  readonly #role: ConsumerRole;
  readonly #consumer: StageConsumer;
  readonly #life: Life;
  readonly #way: Way;
  /** Batches after which it leaves. */
  #batches: number;

  constructor(role: ConsumerRole) {
    this.#role = role;
    const { below, asked, declared, ring } = role;
    const { stage, capacity } = asked;
    this.#batches = 1 + below(60);
    this.#way = role.ways[below(role.ways.length)] as Way;
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
    this.#life = role.board.begin(declared?.index ?? visitorRole, ways.indexOf(this.#way));
    this.#life.floor = 0;
  }

  /** Whether the ring goes on. */
  async go(): Promise<boolean> {
    const whole = await this[this.#way]();
    // Whoever let go of the ring says nothing more.
    if (this.#role.gone) return false;
    this.#life.state = whole ? ended : left;
    this.#consumer.close();
    return !whole;
  }

  #take(event: Taken, sequence: number): void {
    const { asked, declared, board } = this.#role;
    const { life, n } = event;
    const check = checkOf(life, n);
    const problem = (what: string) => this.#role.problem(`${life}/${n} at ${sequence} ${what}`);
    const bytes = asked.records ? event.bytes : event.raw;
    const said = asked.records ? Buffer.from(payloadOf(check, asked.payload)) : rawOf(check);
    if (event.check !== check || !said.equals(bytes)) problem('is torn');
    if (declared?.digested && !digestOf(said).equals(event.digest))
      problem('came without its digest');
    for (const index of declared?.before ?? []) {
      if (event[`m${index}` as 'm0'] !== markOf(life, n, index))
        problem(`came before stage ${index} did it`);
    }
    if (declared) event[`m${declared.index}` as 'm0'] = markOf(life, n, declared.index);
    board.log(this.#life.number, life, n, sequence - asked.first);
  }

  #begin(batch: Batch): void {
    this.#life.floor = batch.sequence - this.#role.asked.first;
    this.#batches -= 1;
  }

  /** Calls `take` for the events of a batch that are not released, from `sequence` on, until it is false. */
  #each(
    batch: Batch,
    take: (event: Taken, sequence: number) => boolean,
    sequence = batch.sequence,
  ): void {
    for (const event of batch) {
      const place = this.#role.asked.records
        ? (event as unknown as { sequence: number }).sequence
        : sequence++;
      if (!take(event, place)) return;
    }
  }

  /** All events of a batch; false when it was left before one of them. */
  #all(batch: Batch): boolean {
    const { below, asked } = this.#role;
    let until = below(10) === 0 ? below(20) : Infinity;
    this.#each(batch, (event, sequence) => {
      if (until-- <= 0) this.#life.floor = sequence - asked.first;
      else this.#take(event, sequence);
      return until >= 0;
    });
    return until >= 0;
  }

  /** All events of a batch; now and then the first ones are released before the others are asked for. */
  #inParts(batch: Batch, release: (sequence: number) => void): void {
    const { below } = this.#role;
    let until = below(2) === 0 ? below(6) : Infinity;
    let rest: number | undefined;
    this.#each(batch, (event, sequence) => {
      if (until-- <= 0) rest = sequence;
      else this.#take(event, sequence);
      return rest === undefined;
    });
    if (rest === undefined) return;
    release(rest);
    const take = (event: Taken, sequence: number) => {
      this.#take(event, sequence);
      return true;
    };
    this.#each(batch, take, rest);
  }

  async #breathe(): Promise<void> {
    const { below } = this.#role;
    if (below(10) === 0) await setTimeout(below(4));
  }

  async 'for await'(): Promise<boolean> {
    for (;;) {
      let broken = false;
      for await (const batch of this.#consumer) {
        this.#begin(batch as Batch);
        broken = !this.#all(batch as Batch) || this.#batches <= 0;
        if (broken) break;
        await this.#breathe();
      }
      if (!broken) return true;
      if (this.#batches <= 0) return false;
    }
  }

  async poll(): Promise<boolean> {
    const { below, asked } = this.#role;
    while (this.#batches > 0) {
      const batch = this.#consumer.poll(1 + below(asked.capacity)) as Batch | undefined;
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
      return (await this.#consumer.receive(options)) as Batch | undefined;
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_MILLRACE_TIMEOUT') return null;
      throw error;
    }
  }

  async receive(): Promise<boolean> {
    const { below } = this.#role;
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
    const { below, asked, declared } = this.#role;
    const consumer = this.#consumer;
    const most = (declared?.workers ?? 0) > 0 ? 0 : below(4);
    let held: number[] = [];
    const release = (sequence: number) => {
      consumer.release(sequence);
      this.#life.floor = sequence - asked.first;
      held = held.filter((end) => end > sequence);
    };
    while (this.#batches > 0) {
      // Who holds all of the ring, with what producers gave up in it, waits in vain.
      const batch = await this.#receive(held.length > 0 ? { timeout: 20 } : {});
      if (batch === null) release(held.at(-1) as number);
      else if (batch) {
        this.#batches -= 1;
        if (below(4) === 0) release(batch.sequence);
        if (asked.records || below(2) === 0) this.#inParts(batch, release);
        else {
          for (let i = 0; i < batch.length; i++) {
            this.#take(batch.at(i) as Taken, batch.sequence + i);
          }
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
    const { below, asked } = this.#role;
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
          this.#life.floor = consumer.stats().sequence - asked.first;
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
    const { below } = this.#role;
    while (this.#batches > 0) {
      if (this.#consumer.waitSync({ timeout: below(20) })) {
        const batch = this.#consumer.poll() as Batch | undefined;
        if (!batch) continue;
        this.#begin(batch);
        if (!this.#all(batch)) return false;
        if (below(10) === 0) Atomics.wait(pause, 0, 0, below(4));
      } else if (this.#consumer.ended) return true;
    }
    return false;
  }

  async run(): Promise<boolean> {
    const { below, asked, declared, board } = this.#role;
    let failing = -1;
    // Who opens the stage behind one that failed must not release what that did not.
    let over = board.lives.some(({ state }) => state === failed);
    let attempts = 0;
    let floor = true;
    const policies: readonly RunOptions[] = [
      {},
      {
        onError: 'skip',
        skipped: (error, sequence) => {
          if (error instanceof Fatal) throw error;
          if (sequence !== failing)
            this.#role.problem(`${sequence} is told in place of ${failing}: ${error}`);
        },
      },
      { onError: 'retry', attempts: 4, backoff: below(2) },
    ];
    const fatal = declared?.failure;
    const which = fatal ? ['stop', 'skipped', 'retry'].indexOf(fatal.how) : below(policies.length);
    const policy = policies[which] as RunOptions;
    this.#life.retries = policy.onError === 'retry';
    try {
      this.#consumer.run((event, sequence, endOfBatch) => {
        if (floor) this.#life.floor = sequence - asked.first;
        floor = endOfBatch;
        if (below(100) === 0) Atomics.wait(pause, 0, 0, below(3));
        // In the midst of a batch, now and then.
        if (fatal && (over || (board.count(0) > fatal.after && below(4) === 0))) {
          // Of a batch that is given up nothing is released, of others what came before.
          if (fatal.how !== 'retry') this.#life.floor = sequence - asked.first;
          else floor = true;
          over = true;
          throw new Fatal();
        }
        const skip = policy.onError === 'skip' && below(30) === 0;
        // What is passed over counts as seen.
        if (policy.onError !== 'retry' || fatal || attempts === 3 || below(30) > 0)
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
    } catch (error) {
      if (error instanceof Fatal) this.#life.state = failed;
      throw error;
    }
    return true;
  }
}
