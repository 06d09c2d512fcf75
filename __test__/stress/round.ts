import { setTimeout } from 'node:timers/promises';
import { ByteRing, Ring, type RingClosed } from 'millrace';
import { random } from '../ring/random.js';
import { before } from '../ring/rings.js';
import { account } from './account.js';
import { Board, closes, failed } from './board.js';
import { ConsumerRole, type Consuming } from './consuming.js';
import { fields } from './event.js';
import { type Hand, here, worker } from './hand.js';
import type { Hashing } from './native-program.js';
import { DIGEST, type Plan, planOf } from './plan.js';
import { ProducerRole, type Producing } from './producing.js';

/** Milliseconds after which what should have ended hangs: a machine under load takes seconds. */
const PATIENCE = 30_000;

/** Runs one ring from its first event to its end, and checks that every event is explained. */
export class Round {
  readonly #plan: Plan;
  readonly #below: (n: number) => number;
  readonly #board = new Board();
  readonly #ring;
  readonly #hands = new Set<Hand>();
  /** Those that were ended, and are to end without a word. */
  readonly #ended = new Set<Hand>();
  /** Main-thread roles that may have something to say at the end. */
  readonly #settling: Hand[] = [];
  readonly #problems: string[] = [];
  #onMain = 0;
  #closing = false;

  constructor(seed: number) {
    const plan = planOf(seed);
    this.#plan = plan;
    this.#below = random(seed ^ 0x5eed);
    const create = (): Ring<typeof fields, Record<string, object>> => {
      const all = { ...plan.options, stages: plan.definition as { a: object } };
      return (
        plan.records ? ByteRing.create({ ...all, header: fields }) : Ring.create({ ...all, fields })
      ) as never;
    };
    this.#ring = before(plan.first === 0 ? 0 : 2 ** 32 - plan.first, create);
  }

  /** @throws With everything that is wrong. */
  async run(): Promise<void> {
    const { stages, producers, visitors, definition, closeWithin } = this.#plan;
    try {
      if (definition[DIGEST]) this.#hash();
      for (const stage of stages) {
        for (let i = 0; i < Math.max(1, stage.workers); i++) this.#consume(stage);
      }
      for (let i = 0; i < producers; i++) this.#produce();
      for (let i = 0; i < visitors; i++) this.#visit(i);
      await this.#disturb();
      this.#closing = true;
      const refusedFirst = !this.#failed;
      const within = closeWithin === undefined ? {} : { timeout: closeWithin };
      const closing = this.#ring.close(within);
      this.#board.close = closes.begun;
      if (this.#below(2) === 0) await this.#end();
      const closed = await this.#soon('close', closing);
      // Who was given no more time is ended; the others end by themselves.
      if (closeWithin !== undefined) await this.#endAll();
      // Consumers first: producers that stay until then wake nobody by leaving.
      await this.#exits(({ name }) => !name.startsWith('producer'));
      this.#board.close = closes.resolved;
      await this.#exits(() => true);
      for (const hand of this.#settling) {
        hand.settle();
        // What it has closed may still have something to flush.
        await hand.end();
      }
      if (this.#problems.length === 0) await this.#account(closed, refusedFirst);
      if (this.#problems.length > 0) throw this.#failure('');
    } finally {
      await this.#endAll();
      this.#ring.detach();
    }
  }

  /** Nobody is there any more: what was told in the midst of events is held against what is so now. */
  async #account(closed: RingClosed, refusedFirst: boolean): Promise<void> {
    const plan = this.#plan;
    const last = await this.#ring.close({ timeout: 0 });
    const whole = plan.closeWithin === undefined && !this.#failed;
    const grown = closed.consumed <= last.consumed && sum(closed) <= sum(last);
    if (whole ? sum(closed) !== sum(last) || closed.abandoned !== 0 : !grown) {
      this.#problems.push(
        `closed with ${JSON.stringify(closed)}, and then ${JSON.stringify(last)}`,
      );
    }
    const end = { ...last, whole, failed: this.#failed, refusedFirst };
    this.#problems.push(...account(plan, this.#board, this.#ring.stats(), end));
  }

  async #exits(of: (hand: Hand) => boolean): Promise<void> {
    const hands = [...this.#hands].filter(of);
    for (const hand of hands) await this.#soon(`the end of ${hand.name}`, hand.exit);
  }

  get #failed(): boolean {
    return (
      this.#plan.stages.some(({ failure }) => failure) &&
      this.#board.lives.some(({ state }) => state === failed)
    );
  }

  /** Terminates threads, until it is time to close. */
  async #disturb(): Promise<void> {
    const { ends, closeAt } = this.#plan;
    const due = () => this.#board.count(0) >= closeAt || this.#failed;
    const idle = () => ![...this.#hands].some(({ name }) => name.startsWith('producer'));
    let left = ends;
    const since = performance.now();
    while (!due() && !idle() && this.#problems.length === 0) {
      await setTimeout(this.#below(20));
      if (left > 0 && this.#below(3) === 0) {
        left -= 1;
        await this.#end();
      }
      if (performance.now() - since > PATIENCE) throw this.#failure('nothing goes on');
    }
  }

  /** Ends somebody; another goes on in its place. */
  async #end(): Promise<void> {
    const hands = [...this.#hands];
    const hand = hands[this.#below(hands.length)];
    if (hand) await this.#endOne(hand);
  }

  async #endOne(hand: Hand): Promise<void> {
    this.#ended.add(hand);
    await this.#soon(`ending ${hand.name}`, hand.end());
    await this.#soon(`the end of ${hand.name}`, hand.exit);
  }

  /** Ends all; nobody goes on. */
  async #endAll(): Promise<void> {
    this.#over = true;
    await Promise.all([...this.#hands].map((hand) => this.#endOne(hand)));
  }

  #over = false;

  #produce(): void {
    if (this.#closing) return;
    const { events, options, records, payload } = this.#plan;
    const { capacity } = options;
    const asked = { ...this.#asked(), events, capacity, records, payload } satisfies Producing;
    this.#start(
      'producer',
      asked,
      () => new ProducerRole(asked),
      () => this.#produce(),
    );
  }

  #consume(stage: Plan['stages'][0]): void {
    const asked = this.#consuming(stage);
    // Where it is to fail it blocks.
    const role = stage.failure ? undefined : this.#consumerRole(asked);
    this.#start('consumer', asked, role, () => this.#consume(stage));
  }

  #visit(i: number): void {
    const { stages } = this.#plan;
    const after = this.#below(2) === 0 ? [] : [stages[this.#below(stages.length)]?.name as string];
    const asked = this.#consuming({ name: `visitor ${i}`, after });
    this.#start('consumer', asked, this.#consumerRole(asked), () => {
      if (!this.#closing) this.#visit(i);
    });
  }

  #hash(): void {
    const { records } = this.#plan;
    const asked = { handle: this.#ring.handle, records } satisfies Hashing;
    this.#start('native', asked, undefined, () => this.#hash());
  }

  #asked() {
    const seed = this.#below(2 ** 31);
    return { seed, handle: this.#ring.handle, board: this.#board.memory };
  }

  #consuming(stage: Consuming['stage']): Consuming {
    const { first, options, records, payload, stages } = this.#plan;
    const { wait } = options;
    return {
      ...this.#asked(),
      stage,
      first,
      capacity: records ? options.capacity / 32 : options.capacity,
      records,
      payload,
      sleeps: wait !== 'yield' && wait !== 'spin',
      fails: stages.some(({ failure }) => failure),
    };
  }

  #consumerRole(asked: Consuming) {
    return () => new ConsumerRole(asked, false, (problem) => this.#problems.push(problem));
  }

  /** Starts a thread, or a role of this one. */
  #start(
    program: 'producer' | 'consumer' | 'native',
    asked: object,
    role: (() => ConsumerRole | ProducerRole) | undefined,
    again: () => void,
  ): void {
    const name = `${program} ${JSON.stringify({ ...asked, handle: undefined, board: undefined })}`;
    const tell = (problem: string) => this.#problems.push(problem);
    const onMain = role && this.#onMain < this.#plan.onMain && this.#below(2) === 0;
    const hand = onMain ? here(role(), name, tell) : worker(program, asked, name, tell);
    if (onMain) {
      this.#onMain += 1;
      this.#settling.push(hand);
    }
    this.#hands.add(hand);
    hand.exit.then((through) => {
      this.#hands.delete(hand);
      if (onMain) this.#onMain -= 1;
      if (this.#over) return;
      if (this.#ended.has(hand)) again();
      // It ended as a crash would end it.
      else if (!through && program === 'producer') again();
      else if (!through) this.#problems.push(`${name} ended too early`);
    });
  }

  /** What a promise resolves with, or a failure when that takes too long. */
  async #soon<T>(what: string, promise: Promise<T>): Promise<T> {
    const late = Symbol();
    const timer = new AbortController();
    const first = await Promise.race([
      promise,
      setTimeout(PATIENCE, late, { signal: timer.signal }),
    ]);
    timer.abort();
    if (first === late) throw this.#failure(`${what} takes too long`);
    return first as T;
  }

  #failure(what: string): Error {
    const { seed, definition: _, stages: __, ...rest } = this.#plan;
    const lives = this.#board.lives.map(
      ({ number, state, role, way, floor, accepted, claimState }) =>
        JSON.stringify({ number, state, role, way, floor, accepted, claimState }),
    );
    const some = this.#problems.slice(0, 12);
    return new Error(
      [
        `seed ${seed}: ${what}`,
        ...some,
        `${this.#problems.length} problems`,
        JSON.stringify({
          ...rest,
          stages: this.#plan.definition,
          fails: this.#plan.stages.find(({ failure }) => failure),
        }),
        JSON.stringify(this.#ring.stats(), undefined, 1),
        ...[...this.#hands].map(({ name }) => `alive: ${name}`),
        ...lives.map((life) => `life: ${life}`),
      ].join('\n'),
    );
  }
}

const sum = ({ consumed, abandoned }: RingClosed): number => consumed + abandoned;
