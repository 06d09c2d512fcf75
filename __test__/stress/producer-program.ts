import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type Claim, type Producer, Ring } from 'millrace';
import { random } from '../ring/random.js';
import { Board, claimStates, ended, type Life, producerRole } from './board.js';
import { checkOf, type Event } from './plan.js';

/** What a producer's worker is asked for. */
export interface Producing {
  readonly handle: unknown;
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly capacity: number;
  /** Events of all producers of the ring together. */
  readonly events: number;
}

const { handle, board: memory, seed, capacity, events } = workerData as Producing;
const ring = Ring.attach(handle as never);
const board = new Board(memory);
const below = random(seed);

/** Those that were closed, and may have something to flush. */
const closed = new Set<Publishing>();
/** The thread ends, or lets go of the ring, whatever is staged. */
let abrupt = false;

/** What a write throws now and then: then nothing was accepted. */
class Refused extends Error {}

/** Publishes in every way there is, until it is enough or the ring is closed, and notes what was accepted. */
class Publishing {
  readonly #out = ring.producer() as unknown as Producer<Event>;
  readonly #life: Life = board.begin(producerRole, 0);

  readonly #fill = (event: Event, n: number): void => {
    const { number: life } = this.#life;
    event.life = life;
    event.n = n;
    event.check = checkOf(life, n);
    event.m0 = event.m1 = event.m2 = event.m3 = 0;
  };

  readonly #write = (event: Event): void => {
    this.#life.doubt = 1;
    this.#fill(event, this.#life.accepted);
    if (below(200) === 0) throw new Refused();
    this.#life.accepted += 1;
  };

  readonly #ways: readonly (() => Promise<void> | void)[] = [
    () => void this.#out.tryPublish(this.#write),
    () => {
      for (let n = below(100); n > 0 && this.#out.tryPublish(this.#write); n--);
    },
    () => this.#out.publish(this.#write),
    () => this.#out.publish(this.#write, undefined, { timeout: below(3) }),
    () => this.#out.publishMany(1 + below(capacity), this.#write),
    () => this.#claim(),
    () => this.#out.flush(),
    () => this.#out.ready({ timeout: 1 + below(5) }),
  ];

  async #claim(): Promise<void> {
    const life = this.#life;
    const size = 1 + below(Math.min(capacity, 64));
    life.noteClaim(claimStates.maybe, size);
    const waits = below(2) === 0;
    let claim: Claim<Event> | undefined;
    try {
      claim = waits ? await this.#out.claim(size, { timeout: 50 }) : this.#out.tryClaim(size);
    } finally {
      if (!claim) life.noteClaim(claimStates.none);
    }
    if (!claim) return;
    life.noteClaim(claimStates.open, size);
    const used = below(3) === 0 ? below(size + 1) : below(4) === 0 ? 0 : size;
    // From the last to the first: any order will do.
    for (let i = used - 1; i >= 0; i--) this.#fill(claim.at(i), life.accepted + i);
    if (below(4) === 0) await setTimeout(below(3));
    life.noteClaim(claimStates.ending, size, used);
    if (used === 0 && below(2) === 0) claim.abort();
    else claim.commit(used);
    life.accepted += used;
    life.aborted += size - used;
    life.noteClaim(claimStates.none);
  }

  /** Whether there is to be more. */
  async go(): Promise<boolean> {
    const life = this.#life;
    for (let steps = 1 + below(400); steps > 0; steps--) {
      const way = below(this.#ways.length);
      life.way = way;
      const before = life.accepted;
      try {
        await this.#ways[way]?.();
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'ERR_MILLRACE_CLOSED') return this.#end(false);
        if (!(error instanceof Refused) && code !== 'ERR_MILLRACE_TIMEOUT') throw error;
      }
      life.doubt = 0;
      if (board.count(life.accepted - before) >= events) return this.#end(false);
      if (below(20) === 0) await setTimeout(below(4));
    }
    return this.#end(true);
  }

  /** Has it count as whole when all that it accepted is flushed; on a full ring that is later than its close. */
  settle(whole = this.#out.staged === 0): void {
    if (!whole) return;
    this.#life.state = ended;
    closed.delete(this);
  }

  #end(more: boolean): boolean {
    const life = this.#life;
    life.way = -1;
    life.doubt = 0;
    if (more && below(6) === 0) {
      // As a crash would: what is staged may be lost, and is counted.
      abrupt = true;
      if (below(2) === 0) process.exit();
      ring.detach();
      return false;
    }
    this.#out.close();
    closed.add(this);
    this.settle();
    return more;
  }
}

// Who ends by itself has nothing left to do.
process.on('exit', () => {
  for (const one of closed) one.settle(abrupt ? undefined : true);
});
while (await new Publishing().go()) if (below(3) === 0) await setTimeout(below(5));
parentPort?.postMessage('over');
