import { types } from 'node:util';
import { checkObject, invalidArgument } from '../errors.js';
import type { Arrays } from './arrays.js';
import { Consumer } from './consumer.js';
import type { ConsumerOptions } from './consumer-options.js';
import { eventView } from './event-view.js';
import { type Fields, type FieldValue, placeFields } from './fields.js';
import { makeGraph, type Stage, type StageOptions, type Stages, writtenBeside } from './graph.js';
import type { Handle } from './handle.js';
import { type JoinOptions, makeGuest } from './join.js';
import { layOut, strideOf } from './lay-out.js';
import { layout as L } from './layout.js';
import { MultiProducer } from './multi-producer.js';
import type { Producer } from './producer.js';
import type { ReadonlyBuffer } from './readonly-buffer.js';
import {
  checkCapacity,
  checkRingOptions,
  firstSequence,
  type RingOptions,
  SharedRing,
} from './shared-ring.js';
import { SingleProducer } from './single-producer.js';
import { makeView, type View, type ViewClass } from './view.js';

/** An event as its producer sees it: every field may be written. */
export type Event<F extends Fields> = { -readonly [K in keyof F]: FieldValue<F[K]> };

/** An event as a stage sees it: only the fields it owns may be written. */
export type StageEvent<F extends Fields, S> = {
  readonly [K in Exclude<keyof F, Owned<S>>]: F[K] extends `bytes(${number})`
    ? ReadonlyBuffer
    : FieldValue<F[K]>;
} & {
  -readonly [K in keyof F & Owned<S>]: FieldValue<F[K]>;
} & Copies<F>;

type Owned<S> = S extends { readonly writes: readonly (infer W)[] } ? W : never;

interface Copies<F extends Fields> {
  /** A plain object with the fields, to keep. */
  copy(): { [K in keyof F]: FieldValue<F[K]> };
}

/** The fields of a ring's events, and its stages: shared by the code of all threads. */
export interface RingDefinition<F extends Fields, S extends Stages> {
  readonly fields: F;
  readonly stages: S;
}

/** Stages whose names and fields are checked by the compiler. */
export type CheckedStages<F extends Fields, Names extends string> = {
  readonly [N in Names]: StageOptions & {
    readonly after?: readonly Names[];
    readonly writes?: readonly (keyof F & string)[];
  };
};

/**
 * A preallocated ring of typed events that threads share: producers write them in place, stages
 * consume them in the order of a graph, nothing is copied or allocated an event, and a slow stage
 * holds the producers back.
 *
 * Events lie in a SharedArrayBuffer, so main thread, workers and native threads take part alike.
 * The algorithm is the LMAX Disruptor's.
 *
 * @example
 * const orders = Ring.define({ fields: { id: 'u32', price: 'f64' }, stages: { store: {} } });
 * const ring = Ring.create({ ...orders, capacity: 1024 });
 * const out = ring.producer();
 * out.tryPublish((event, price) => { event.price = price; }, 12.5);
 * const closed = ring.close(); // takes nothing more; what was accepted is consumed
 * for await (const batch of ring.consumer('store')) {
 *   for (const event of batch) console.log(event.price);
 * }
 * await closed;
 */
export class Ring<F extends Fields, S extends Stages> extends SharedRing {
  private constructor(memory: SharedArrayBuffer, definition: RingDefinition<F, S>, own: boolean) {
    super(memory, definition.fields, definition.stages, own);
  }

  /**
   * Fields and stages of a ring, checked; for {@link create} and, in other threads, for {@link attach}.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`: a field or stage that cannot be, stages in a circle, a field owned by two
   *   stages that may run at the same time.
   */
  static define<
    const F extends Fields,
    Names extends string,
    const S extends CheckedStages<F, Names>,
  >(definition: {
    fields: F;
    stages: S & CheckedStages<F, keyof S & string>;
  }): RingDefinition<F, S> {
    checkObject('definition', definition, 'fields and stages');
    placeFields(definition.fields);
    makeGraph(definition.stages, Object.keys(definition.fields));
    return Object.freeze({ fields: definition.fields, stages: definition.stages as S });
  }

  /**
   * Makes a ring.
   *
   * @param options `capacity` is the number of slots, a power of two from 2 to 2^30. All of the ring, which is allocated
   *   at once, has less than 2 GiB: a slot takes its fields' bytes, rounded up to a multiple of 8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<F extends Fields, S extends Stages>(
    options: RingDefinition<F, S> & RingOptions & { readonly capacity: number },
  ): Ring<F, S> {
    checkObject('options', options, 'fields, stages and capacity');
    const { fields, stages, capacity } = options;
    checkCapacity(capacity, 1);
    const { bytes } = placeFields(fields);
    const memory = layOut({
      kind: L.KIND_RING,
      capacity,
      stride: strideOf(bytes),
      fieldBytes: 0,
      graph: makeGraph(stages, Object.keys(fields)),
      start: firstSequence.value,
      ...checkRingOptions(options),
    });
    return new Ring(memory, { fields, stages }, true);
  }

  /**
   * The ring behind a handle, in another thread than the one that made it.
   *
   * @param definition Types the ring; what it says is checked against the handle.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for something else than a ring's handle, or another version's.
   */
  static attach<F extends Fields, S extends Stages>(
    handle: Handle<Ring<F, S>>,
    definition?: RingDefinition<F, S>,
  ): Ring<F, S> {
    const { memory, fields, stages } = checkHandle<F, S>(handle, 'Ring');
    const same = JSON.stringify([fields, stages]);
    if (definition && same !== JSON.stringify([definition.fields, definition.stages])) {
      throw invalidArgument('definition', definition, `the ring's own: ${same}`);
    }
    return new Ring(memory, { fields, stages }, false);
  }

  /** Number of slots. */
  get capacity(): number {
    return this.memory.capacity;
  }

  /**
   * Opens a producer for this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when the seat is taken: a ring has one, or `maxProducers` when `producers` is
   *   `'multi'`; `ERR_MILLRACE_CLOSED` when this thread has detached.
   */
  producer(): Producer<Event<F>> {
    const { memory, places } = this;
    const names = new Set(places.map(({ name }) => name));
    const makeViewOf = (arrays: Arrays) =>
      makeView(eventView(places), places, names, 'a producer', arrays);
    return memory.multi
      ? new MultiProducer(memory, makeViewOf)
      : new SingleProducer(memory, makeViewOf(memory.arrays));
  }

  /**
   * Opens a stage for this thread: it goes on behind what was released last. A stage with `workers` is opened as often
   * as it has them, each time for a share of its events.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when there is no such stage, or somebody has it open, or all its workers;
   *   `ERR_MILLRACE_CLOSED` when this thread has detached. On a ring that was closed it gets what was accepted.
   */
  consumer<N extends keyof S & string>(
    name: N,
    options: ConsumerOptions = {},
  ): Consumer<StageEvent<F, S[N]>> {
    const stage = this.stage(name);
    const view = this.#stageView(stage);
    return Consumer.open<StageEvent<F, S[N]>>(this.memory, stage, view, options);
  }

  /**
   * Joins the ring as a stage that was not declared, while events flow: from any thread, up to `maxConsumers` stages at
   * a time. It sees every event from where it begins, once and in order; the others lose and double nothing.
   *
   * The stage reads events only. It holds the producers back as every last stage does, until it leaves: by `close()` of
   * its consumer, when this thread ends or detaches, or when the consumer is forgotten. What it has not released by then
   * comes to nobody again. Other stages cannot follow it. {@link close} waits for it. Costs one native call.
   *
   * @param name Of 1 to 48 bytes, and nobody else's among declared stages and those that have joined.
   * @param options Whom it follows, where it begins, and what {@link consumer} takes.
   * @throws `ERR_MILLRACE_FULL` when all seats are taken; `ERR_MILLRACE_CLOSED` and `ERR_MILLRACE_CONSUMER_FAILED` when
   *   the ring has ended; `ERR_MILLRACE_INVALID_ARGUMENT`.
   *
   * @example
   * const orders = Ring.define({ fields: { price: 'f64' }, stages: { store: {} } });
   * const ring = Ring.create({ ...orders, capacity: 64 });
   * using out = ring.producer();
   * for (const price of [1, 2, 3]) out.tryPublish((event, price) => { event.price = price; }, price);
   * out.flush();
   * using watch = ring.join('watch', { from: 'oldest' });
   * for (const event of watch.poll() ?? []) console.log(event.price); // 1, 2, 3
   */
  join(
    name: string,
    options: JoinOptions<keyof S & string> = {},
  ): Consumer<StageEvent<F, StageOptions>> {
    const guest = makeGuest(this.graph, name, options);
    const view = this.#stageView(guest);
    this.memory.checkAttached();
    this.memory.checkOpen();
    return Consumer.open<StageEvent<F, StageOptions>>(this.memory, guest, view, options);
  }

  #stageView(stage: Pick<Stage, 'name' | 'upstream' | 'writes'>): ViewClass<View> {
    const { places, graph, memory } = this;
    const who = `stage '${stage.name}'`;
    const beside = writtenBeside(graph, stage);
    return makeView(eventView(places), places, stage.writes, who, memory.arrays, beside);
  }
}

interface RingHandle<F, S> {
  readonly kind: string;
  readonly memory: SharedArrayBuffer;
  readonly fields: F;
  readonly stages: S;
}

/** What a handle holds, if it is one of a ring of this kind. */
export function checkHandle<F, S>(handle: unknown, kind: string): RingHandle<F, S> {
  const inside = handle as RingHandle<F, S>;
  const memory = inside?.memory;
  // Memory of another length could not be seen as words of 8 bytes.
  if (inside?.kind !== kind || !types.isSharedArrayBuffer(memory) || memory.byteLength % 8 !== 0) {
    throw invalidArgument('handle', handle, `the handle of a ${kind}`);
  }
  return inside;
}
