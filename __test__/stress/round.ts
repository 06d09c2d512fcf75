import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Ring } from 'millrace';
import { random } from '../ring/random.js';
import { before } from '../ring/rings.js';
import { account } from './account.js';
import { Board } from './board.js';
import type { Consuming } from './consumer-program.js';
import { fields, type Plan, planOf } from './plan.js';
import type { Producing } from './producer-program.js';

/** Milliseconds after which what should have ended hangs: a machine under load takes seconds. */
const PATIENCE = 30_000;

/** A thread of a round. */
interface Hand {
  readonly worker: Worker;
  readonly name: string;
  /** Whether it was terminated, and is to end without a word. */
  terminated: boolean;
  over: boolean;
  readonly exit: Promise<unknown>;
  /** Starts who comes after it. */
  readonly again: () => void;
}

/** Runs one ring from its first event to its end, and checks that every event is explained. */
export class Round {
  readonly #plan: Plan;
  readonly #below: (n: number) => number;
  readonly #board = new Board();
  readonly #ring;
  readonly #hands = new Set<Hand>();
  readonly #problems: string[] = [];
  #closing = false;

  constructor(seed: number) {
    const plan = planOf(seed);
    this.#plan = plan;
    this.#below = random(seed ^ 0x5eed);
    const create = () =>
      Ring.create({ fields, stages: plan.definition as { a: object }, ...plan.options });
    this.#ring = before(plan.first === 0 ? 0 : 2 ** 32 - plan.first, create);
  }

  /** @throws With everything that is wrong. */
  async run(): Promise<void> {
    const { stages, producers, visitors } = this.#plan;
    try {
      for (const stage of stages) {
        for (let i = 0; i < Math.max(1, stage.workers); i++) this.#consume(stage);
      }
      for (let i = 0; i < producers; i++) this.#produce();
      for (let i = 0; i < visitors; i++) this.#visit(i);
      await this.#disturb();
      this.#closing = true;
      const closing = this.#ring.close();
      if (this.#below(2) === 0) await this.#end();
      const closed = await this.#soon('close', closing);
      for (const hand of this.#hands) await this.#soon(`the end of ${hand.name}`, hand.exit);
      if (this.#problems.length === 0) {
        this.#problems.push(...account(this.#plan, this.#board, this.#ring.stats(), closed));
      }
      if (this.#problems.length > 0) throw this.#failure('');
    } finally {
      await Promise.all([...this.#hands].map(({ worker }) => worker.terminate()));
      this.#ring.detach();
    }
  }

  /** Terminates threads, until it is time to close. */
  async #disturb(): Promise<void> {
    const { ends, closeAt } = this.#plan;
    const due = () => this.#board.count(0) >= closeAt;
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

  /** Terminates somebody; another goes on in its place. */
  async #end(): Promise<void> {
    const hands = [...this.#hands];
    const hand = hands[this.#below(hands.length)];
    if (!hand) return;
    hand.terminated = true;
    await this.#soon(`terminate() of ${hand.name}`, hand.worker.terminate());
    await hand.exit;
    hand.again();
  }

  #produce(): void {
    if (this.#closing) return;
    const { events, options } = this.#plan;
    const { capacity } = options;
    this.#start('producer', { events, capacity } satisfies Partial<Producing>, () =>
      this.#produce(),
    );
  }

  #consume(stage: Plan['stages'][0]): void {
    const { first, options } = this.#plan;
    const { capacity } = options;
    this.#start('consumer', { stage, first, capacity } satisfies Partial<Consuming>, () =>
      this.#consume(stage),
    );
  }

  #visit(i: number): void {
    const { first, options, stages } = this.#plan;
    const { capacity } = options;
    const after = this.#below(2) === 0 ? [] : [stages[this.#below(stages.length)]?.name as string];
    const stage = { name: `visitor ${i}`, after };
    this.#start('consumer', { stage, first, capacity } satisfies Partial<Consuming>, () => {
      if (!this.#closing) this.#visit(i);
    });
  }

  #start(program: 'producer' | 'consumer', data: object, again: () => void): void {
    const seed = this.#below(2 ** 31);
    const workerData = { ...data, seed, handle: this.#ring.handle, board: this.#board.memory };
    const url = new URL(`./${program}-program.js`, import.meta.url);
    const worker = new Worker(url, { workerData });
    const name = `${program} ${JSON.stringify({ ...data, seed })}`;
    const hand: Hand = {
      worker,
      name,
      again,
      terminated: false,
      over: false,
      exit: once(worker, 'exit').then(() => {
        this.#hands.delete(hand);
        if (hand.terminated || hand.over) return;
        // It ended as a crash would end it.
        if (program === 'producer') again();
        else this.#problems.push(`${name} ended too early`);
      }),
    };
    worker.on('message', (message: 'over' | { problem: string }) => {
      if (message === 'over') hand.over = true;
      else this.#problems.push(message.problem);
    });
    worker.on('error', (error) => {
      hand.terminated = true;
      this.#problems.push(`${name}: ${error.stack}`);
    });
    this.#hands.add(hand);
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
    const { seed, graph, options, producers, first } = this.#plan;
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
        JSON.stringify({ graph, ...options, producers, first }),
        JSON.stringify(this.#ring.stats(), undefined, 1),
        ...[...this.#hands].map(({ name }) => `alive: ${name}`),
        ...lives.map((life) => `life: ${life}`),
      ].join('\n'),
    );
  }
}
