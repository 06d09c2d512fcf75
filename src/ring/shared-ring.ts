import { inspect } from 'node:util';
import { checkObject, invalidArgument } from '../errors.js';
import type { NativeStage } from '../fiber/native.js';
import { checkTimeout } from '../operation.js';
import { LoopHold } from '../park/loop-hold.js';
import { producerCell } from './cells.js';
import { drained } from './drained.js';
import { type Fields, type Place, placeFields } from './fields.js';
import { makeGraph, type Stage, type Stages } from './graph.js';
import type { Handle } from './handle.js';
import { readJoined } from './join.js';
import { isLaidOut } from './lay-out.js';
import { layout as L, type Wait, waits } from './layout.js';
import { RingMemory } from './ring-memory.js';
import { checkRunOptions, type NativeRunOptions } from './run-options.js';
import { StageMeter, type StageStatistics, stageCounts } from './stage-statistics.js';
import { flushStaged } from './staged.js';

/** What a ring of either kind is made with. */
export interface RingOptions {
  /**
   * `'single'` (default): one producer at a time, which costs least. `'multi'`: up to `maxProducers`, in any threads;
   * costs 8 bytes a slot, and a native call a flush.
   */
  readonly producers?: 'single' | 'multi';
  /** Producers of a `'multi'` ring at a time, 1 to 32; default 8. */
  readonly maxProducers?: number;
  /**
   * Stages at a time, the declared ones and those that {@link Ring.join}: from as many as are declared to 31, less the
   * workers of shared stages; default: 8 more than are declared, as far as there are that many. Each costs 128 bytes.
   */
  readonly maxConsumers?: number;
  /** How consumers without events wait, all of them alike; default `'adaptive'`. */
  readonly wait?: Wait;
}

/** What {@link SharedRing.close} ended with. */
export interface RingClosed {
  /**
   * Events (places, of a byte ring) that every stage has consumed, since the ring was made. Exact unless producers have
   * given 2^32 claimed slots up.
   */
  readonly consumed: number;
  /**
   * Those that were published and not consumed by every stage when the timeout passed: also what waits behind a claim
   * that another producer has open, but not what is claimed.
   */
  readonly abandoned: number;
}

/** Counts of a ring. */
export interface RingStatistics {
  /** Next event to be published: as many have been, with the slots that producers claimed and gave up between them. */
  readonly cursor: number;
  /** Slots, or bytes of a byte ring. */
  readonly capacity: number;
  /** Producers that are open now. */
  readonly producers: number;
  /**
   * Events (places, of a byte ring) that were accepted and never seen by consumers: their producer's thread ended
   * before they were flushed, or a consumer failed and stopped the ring. Wraps at 2^32.
   */
  readonly lost: number;
  /**
   * Slots (places, of a byte ring) that a producer claimed and gave up: by an abort, or because it used fewer. On `'multi'`
   * byte rings what a record uses of its claim keeps the rest. Wraps at 2^32.
   */
  readonly aborted: number;
  /** Slots that were claimed when their producer's thread ended, or let go of the ring: given up for it. Wraps at 2^32. */
  readonly recovered: number;
  /**
   * Wakes that producers made when they flushed, and those they could spare because nobody slept (on a ring whose
   * consumers never sleep neither is counted); of stages see {@link StageStatistics.wakes}. Wrap at 2^32.
   */
  readonly wakes: number;
  readonly elided: number;
  /** Declared stages, and those that have joined. */
  readonly stages: Readonly<Record<string, StageStatistics>>;
}

/** What handles call the kinds, whatever a minifier makes of the classes' names. */
const kinds: Readonly<Record<number, string>> = {
  [L.KIND_RING]: 'Ring',
  [L.KIND_BYTES]: 'ByteRing',
};

/** What both kinds of rings have in common. */
export abstract class SharedRing {
  /** @internal */
  readonly memory: RingMemory;
  /** @internal */
  readonly graph: readonly Stage[];
  /** @internal */
  readonly places: readonly Place[];
  readonly #fields: Fields;
  readonly #stages: Stages;
  /** Made here, and not attached to. */
  readonly #own: boolean;
  readonly #hold = new LoopHold();
  readonly #meters: readonly StageMeter[];
  /** Of stages that have joined, by their names. */
  #guestMeters: ReadonlyMap<string, StageMeter> = new Map();

  /** @internal */
  protected constructor(memory: SharedArrayBuffer, fields: Fields, stages: Stages, own: boolean) {
    const { places, bytes } = placeFields(fields);
    this.places = places;
    this.graph = makeGraph(stages, Object.keys(fields));
    this.memory = new RingMemory(memory);
    if (!isLaidOut(this.memory.words, this.graph, bytes)) {
      this.memory.detach();
      const names = { fields: Object.keys(fields), stages: Object.keys(stages) };
      throw invalidArgument(
        'handle',
        names,
        "one whose fields and stages are those of the ring's memory",
      );
    }
    this.#fields = fields;
    this.#stages = stages;
    this.#own = own;
    this.#meters = this.graph.map((stage) => new StageMeter(this.memory, stage));
  }

  /** Slots, or bytes of a byte ring. */
  abstract get capacity(): number;

  /** Plain data with which another thread attaches: survives `workerData` and `postMessage`. */
  get handle(): Handle<this> {
    const { memory } = this.memory;
    const kind = kinds[this.memory.words[L.HEADER_KIND] as number];
    const handle = { kind, memory, fields: this.#fields, stages: this.#stages };
    return handle as unknown as Handle<this>;
  }

  /** @internal A stage by its name. */
  stage(name: string): Stage {
    const stage = this.graph.find((one) => one.name === name);
    if (stage) return stage;
    const names = this.graph.map((one) => one.name).join(', ');
    throw invalidArgument('stage', name, `one of ${names}`);
  }

  /**
   * Runs native work as a stage: in a coroutine on a scheduler's native threads, no JavaScript on the way.
   *
   * @param stage Opened for the work; the stage must own the fields it writes, and not be shared by `workers`.
   * @param options `scheduler`, and what happens when the work fails on an event; unless said otherwise the ring stops.
   * @returns A promise that resolves when the ring has ended, and rejects when the work cannot begin
   *   (`ERR_MILLRACE_INVALID_ARGUMENT`, `ERR_MILLRACE_FIELD_OWNERSHIP`), or failed and stopped the ring
   *   (`ERR_MILLRACE_INTERNAL`, or what `skipped` threw).
   */
  async run(stage: string, work: NativeStage, options: NativeRunOptions): Promise<void> {
    if (typeof work?.run !== 'function') {
      throw invalidArgument('work', work, "native work, such as native.hash('sha256', { to })");
    }
    const members = 'scheduler, onError, skipped, attempts and backoff';
    return work.run(this, stage, options.scheduler, checkRunOptions(options, members));
  }

  /** Counts, cheap and exact, and the throughput of each stage since the last call. */
  stats(): RingStatistics {
    const { words } = this.memory;
    let producers = 0;
    for (let bits = words[L.HEADER_PRODUCERS] as number; bits !== 0; bits &= bits - 1) producers++;
    const count = (word: number) => (words[word] as number) >>> 0;
    const sum = (offset: number) => {
      let all = 0;
      for (let seat = 0; seat < this.memory.maxProducers; seat++) {
        all = (all + (words[producerCell(words, seat) + offset] as number)) >>> 0;
      }
      return all;
    };
    return {
      cursor: this.memory.position(L.CURSOR_CELL),
      capacity: this.capacity,
      producers,
      lost: count(L.HEADER_LOST),
      aborted: count(L.HEADER_ABORTED),
      recovered: count(L.HEADER_RECOVERED),
      wakes: sum(L.CELL_MADE),
      elided: sum(L.CELL_ELIDED),
      stages: Object.fromEntries([
        ...this.graph.map(({ name }, index) => [name, (this.#meters[index] as StageMeter).read()]),
        ...this.#readJoined(),
      ]),
    };
  }

  #readJoined(): [string, StageStatistics][] {
    const known = this.#guestMeters;
    const joined = readJoined(this.memory, (stage) => {
      const counts = stageCounts(this.memory, stage);
      const meter = known.get(stage.name);
      const same = meter?.stage.join === stage.join;
      return { counts, meter: same && meter ? meter : new StageMeter(this.memory, stage) };
    });
    this.#guestMeters = new Map(joined.map(({ meter }) => [meter.stage.name, meter]));
    return joined.map(({ counts, meter }) => [meter.stage.name, meter.read(counts)]);
  }

  /**
   * Ends the ring for all threads: producers are refused with `ERR_MILLRACE_CLOSED`, stages consume what was
   * accepted. Resolves when they have, or after `timeout`, and tells how much was and was not consumed. May be
   * called from any thread, and again. A stage that nobody has open is waited for too.
   *
   * @param options `timeout` in milliseconds, 0 to 2147483647 or `Infinity` (default); 0 does not wait.
   * @throws Rejects with `ERR_MILLRACE_CLOSED` when this thread has detached, and `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  async close(options: { readonly timeout?: number } = {}): Promise<RingClosed> {
    checkObject('options', options, 'timeout');
    checkTimeout(options.timeout);
    flushStaged();
    this.memory.close();
    return drained(this.memory, this.graph, options.timeout, this.#hold);
  }

  /**
   * Whether a {@link close} that waits keeps the event loop alive; it does unless said otherwise. Nothing else of a ring
   * does: producers and consumers say for themselves.
   */
  ref(): this {
    this.#hold.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.#hold.reference(false);
    return this;
  }

  /** Lets go of the ring in this thread: flushes, and closes the producers and consumers it has open. Others go on. */
  detach(): void {
    this.memory.detach();
  }

  /** Closes a ring that was made in this thread, waiting for its stages without a limit, and detaches from any. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#own && this.memory.attached) await this.close();
    this.detach();
  }

  [inspect.custom](): string {
    const cursor = this.memory.position(L.CURSOR_CELL);
    const lagOf = (stage: Stage) => `${stage.name}: ${stageCounts(this.memory, stage).lag} behind`;
    const lags = [...this.graph.map(lagOf), ...readJoined(this.memory, lagOf)];
    return `${this.constructor.name} { capacity: ${this.capacity}, cursor: ${cursor}, ${lags.join(', ')} }`;
  }
}

/** Checks what both kinds of rings are made with. */
export function checkRingOptions(options: RingOptions): {
  multi: boolean;
  maxProducers: number;
  maxConsumers: number | undefined;
  wait: Wait;
} {
  const { producers = 'single', maxProducers = 8, maxConsumers, wait = 'adaptive' } = options;
  if (producers !== 'single' && producers !== 'multi') {
    throw invalidArgument('producers', producers, "'single' or 'multi'");
  }
  if (!Number.isInteger(maxProducers) || maxProducers < 1 || maxProducers > L.MAX_PRODUCERS) {
    throw invalidArgument(
      'maxProducers',
      maxProducers,
      `a whole number from 1 to ${L.MAX_PRODUCERS}`,
    );
  }
  if (!waits.includes(wait)) throw invalidArgument('wait', wait, `one of ${waits.join(', ')}`);
  const multi = producers === 'multi';
  return { multi, maxProducers: multi ? maxProducers : 1, maxConsumers, wait };
}

/** Checks a capacity, in slots or in bytes, of which `unit` are a slot. */
export function checkCapacity(capacity: number, unit: number): void {
  const slots = typeof capacity === 'number' ? capacity / unit : Number.NaN;
  const power =
    Number.isInteger(slots) &&
    slots >= 2 &&
    capacity <= L.MAX_CAPACITY &&
    Number.isInteger(Math.log2(slots));
  if (!power) {
    const allowed = `a power of two from ${2 * unit} to ${L.MAX_CAPACITY}`;
    throw invalidArgument('capacity', capacity, allowed);
  }
}

/** @internal The first sequence of rings made here; tests start just before the wrap. */
export const firstSequence = { value: 0 };
