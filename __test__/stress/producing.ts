import { setTimeout } from 'node:timers/promises';
import { type ByteProducer, ByteRing, type Claim, type Producer, Ring } from 'millrace';
import { random } from '../ring/random.js';
import { Board, claimStates, closes, ended, type Life, producerRole, refusals } from './board.js';
import { checkOf, type Event, payloadOf, rawOf } from './event.js';

/** What a thread that produces is asked for. */
export interface Producing {
  readonly handle: unknown;
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly capacity: number;
  readonly records: boolean;
  /** Most bytes of a record's payload. */
  readonly payload: number;
  /** Events of all producers of the ring together. */
  readonly events: number;
}

/** What a write throws now and then: then nothing was accepted. */
class Refused extends Error {}

/** What a thread does as a producer: it publishes in every way there is, until it is enough or the ring takes no more. */
export class ProducerRole {
  readonly asked: Producing;
  readonly ring;
  readonly board: Board;
  readonly below: (n: number) => number;
  /** Those that were closed, and may have something to flush. */
  readonly closed = new Set<Publishing>();
  /** This thread, or this hold of the ring, has ended, whatever was staged. */
  gone = false;
  /** Ends the thread, as a crash would; undefined on the main one. */
  readonly exit: (() => void) | undefined;

  constructor(asked: Producing, exit?: () => void) {
    this.asked = asked;
    this.ring = (asked.records ? ByteRing : Ring).attach(asked.handle as never);
    this.board = new Board(asked.board);
    this.below = random(asked.seed);
    this.exit = exit;
  }

  async run(): Promise<void> {
    const { below } = this;
    // It may be made to leave between one producer and the next.
    while (!this.gone && (await new Publishing(this).go()))
      if (below(3) === 0) await setTimeout(below(5));
  }

  /** Lets go of the ring in the middle of whatever it does. */
  leave(): void {
    this.gone = true;
    this.ring.detach();
  }

  /** Counts as whole who had nothing left to do when the thread ended. */
  settle(): void {
    for (const one of this.closed) one.settle(this.gone || !this.exit ? undefined : true);
  }
}

/** One producer of a role. */
class Publishing {
  readonly #role: ProducerRole;
  readonly #out: Producer<Event> & ByteProducer<Event>;
  readonly #life: Life;
  readonly #ways: readonly (() => Promise<void> | void)[];

  constructor(role: ProducerRole) {
    this.#role = role;
    this.#out = role.ring.producer() as never;
    this.#life = role.board.begin(producerRole, 0);
    this.#ways = role.asked.records ? this.#waysOfRecords() : this.#waysOfEvents();
  }

  readonly #fill = (event: Event, n: number): void => {
    const { number: life } = this.#life;
    event.life = life;
    event.n = n;
    event.check = checkOf(life, n);
    event.raw = rawOf(event.check);
    event.m0 = event.m1 = event.m2 = event.m3 = 0;
  };

  readonly #write = (event: Event): void => {
    this.#life.doubt = 1;
    this.#fill(event, this.#life.accepted);
    if (this.#role.below(200) === 0) throw new Refused();
    this.#life.accepted += 1;
  };

  #waysOfEvents(): readonly (() => Promise<void> | void)[] {
    const { below, asked } = this.#role;
    const out = this.#out as Producer<Event>;
    return [
      () => void out.tryPublish(this.#write),
      () => {
        for (let n = below(100); n > 0 && out.tryPublish(this.#write); n--);
      },
      () => out.publish(this.#write),
      () => out.publish(this.#write, undefined, { timeout: below(3) }),
      () => out.publishMany(1 + below(asked.capacity), this.#write),
      () => this.#claim(),
      () => out.flush(),
      async () => out.ready({ timeout: 1 + below(5) }),
    ];
  }

  #waysOfRecords(): readonly (() => Promise<void> | void)[] {
    const { below, asked } = this.#role;
    const out = this.#out as ByteProducer<Event>;
    const payload = () => {
      const { number, accepted } = this.#life;
      const text = payloadOf(checkOf(number, accepted), asked.payload);
      return below(2) === 0 ? text : Buffer.from(text);
    };
    // Of a record that finds no room the header may have been written.
    const attempt = () => {
      const { accepted } = this.#life;
      let done = false;
      try {
        done = out.tryPublish(payload(), this.#write);
      } finally {
        if (!done) this.#life.accepted = accepted;
      }
      return done;
    };
    return [
      () => void attempt(),
      () => {
        for (let n = below(100); n > 0 && attempt(); n--);
      },
      async () => {
        while (!attempt()) await out.ready(Buffer.byteLength(payload()));
      },
      async () => {
        if (!attempt()) await out.ready(below(asked.payload), { timeout: below(3) });
      },
      () => out.flush(),
    ];
  }

  /** @param last Whether it stays open until the ring is being closed. */
  async #claim(last = false): Promise<void> {
    const life = this.#life;
    const { below, asked } = this.#role;
    const size = 1 + below(Math.min(asked.capacity, 64));
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
    const none = last ? below(3) > 0 : below(6) === 0;
    const used = none ? 0 : below(3) === 0 ? below(size + 1) : size;
    // From the last to the first: any order will do.
    for (let i = used - 1; i >= 0; i--) this.#fill(claim.at(i), life.accepted + i);
    if (last) await this.#until(closes.begun);
    // So long that consumers have done the rest, and sleep.
    if (last) await setTimeout(below(100));
    else if (below(4) === 0) await setTimeout(below(3));
    if (this.#role.gone) return;
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
    const { below, board, asked } = this.#role;
    for (let steps = 1 + below(400); steps > 0; steps--) {
      const way = below(this.#ways.length);
      life.way = way;
      const before = life.accepted;
      const refusal = await this.#refused(this.#ways[way]);
      if (this.#role.gone) return false;
      if (refusal !== undefined) return this.#stay(refusal);
      life.doubt = 0;
      if (board.count(life.accepted - before) >= asked.events) return this.#last();
      if (below(20) === 0) await setTimeout(below(4));
      if (this.#role.gone) return false;
    }
    return this.#end();
  }

  /** What somebody was refused with who does something; undefined when it is not over with the ring. */
  async #refused(act?: () => Promise<void> | void): Promise<number | undefined> {
    try {
      await act?.();
    } catch (error) {
      const { code } = error as { code?: string };
      if (this.#role.gone) return undefined;
      if (code === 'ERR_MILLRACE_CLOSED') return refusals.closed;
      if (code === 'ERR_MILLRACE_CONSUMER_FAILED') return refusals.failed;
      if (!(error instanceof Refused) && code !== 'ERR_MILLRACE_TIMEOUT') throw error;
    }
    return undefined;
  }

  /** It is enough: what it begins now the ring's close comes upon. */
  async #last(): Promise<boolean> {
    const { below, asked, board, exit } = this.#role;
    const last = async () => {
      this.#ways[0]?.();
      if (!asked.records && below(2) === 0) await this.#claim(true);
      // Staged in this turn, which ends behind the close; the main thread is who closes.
      else if (exit) board.blockUntilClosing(below(50));
    };
    return this.#stay((await this.#refused(last)) ?? refusals.none);
  }

  /** Does nothing more, and may keep its seat until the ring is closed: who closes that must not wait for it. */
  async #stay(refusal: number): Promise<boolean> {
    this.#life.doubt = 0;
    if (this.#role.below(4) > 0) await this.#until(closes.resolved);
    return !this.#role.gone && this.#end(refusal);
  }

  /** Waits until the ring's close is so far. */
  async #until(close: number): Promise<void> {
    const { board } = this.#role;
    while (board.close < close && !this.#role.gone) await setTimeout(2);
  }

  /** Has it count as whole when all that it accepted is flushed; on a full ring that is later than its close. */
  settle(whole = !(this.#out.staged > 0)): void {
    if (!whole) return;
    this.#life.state = ended;
    this.#role.closed.delete(this);
  }

  #end(refusal?: number): boolean {
    const life = this.#life;
    const { below, closed, exit } = this.#role;
    life.way = -1;
    life.doubt = 0;
    life.refusal = refusal ?? refusals.none;
    if (refusal === undefined && below(6) === 0) {
      // As a crash would: what is staged may be lost, and is counted.
      this.#role.gone = true;
      if (below(2) === 0) exit?.();
      this.#role.leave();
      return false;
    }
    this.#out.close();
    closed.add(this);
    this.settle();
    return refusal === undefined;
  }
}
