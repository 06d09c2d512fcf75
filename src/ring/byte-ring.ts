import type { Buffer } from 'node:buffer';
import { checkObject, invalidArgument } from '../errors.js';
import type { Arrays } from './arrays.js';
import { ByteConsumer } from './byte-consumer.js';
import type { ByteProducer } from './byte-producer.js';
import type { ConsumerOptions } from './consumer-options.js';
import { eventView } from './event-view.js';
import { type Fields, type FieldType, placeFields } from './fields.js';
import { makeGraph, type Stage, type StageOptions, type Stages, writtenBeside } from './graph.js';
import type { Handle } from './handle.js';
import { type JoinOptions, makeGuest } from './join.js';
import { layOut } from './lay-out.js';
import { layout as L } from './layout.js';
import { MultiByteProducer } from './multi-byte-producer.js';
import { recordView } from './record.js';
import { payloadOffset } from './record-step.js';
import { type CheckedStages, checkHandle, type Event, type StageEvent } from './ring.js';
import {
  checkCapacity,
  checkRingOptions,
  firstSequence,
  type RingOptions,
  SharedRing,
} from './shared-ring.js';
import { SingleByteProducer } from './single-byte-producer.js';
import { makeView, type View, type ViewClass } from './view.js';

/** A record as a stage sees it: header fields, of which it may write those it owns, and the payload. */
export type StageRecord<H extends Fields, S> = Omit<StageEvent<H, S>, 'copy'> & {
  /** The payload: a Buffer over shared memory, valid as long as the record is. */
  readonly bytes: Buffer;
  /** Bytes of the payload. */
  readonly length: number;
  /** Which place in the ring the record begins at; grows from record to record. */
  readonly sequence: number;
  /** The payload as an ordinary Buffer, to keep. */
  copy(): Buffer;
};

/** The fields of a header that was left out. */
type NoFields = Readonly<Record<never, FieldType>>;

/** What a byte ring is made with. */
export interface ByteRingOptions<H extends Fields, S extends Stages> extends RingOptions {
  /** Bytes, a power of two from 64 to 2^30; a record takes up to half of it. */
  readonly capacity: number;
  /** Typed fields in front of every payload: of a quarter of the ring and 64 KiB at most; none unless given. */
  readonly header?: H;
  readonly stages: S;
}

/**
 * A ring of records of any length: typed header fields and a payload of bytes. Otherwise as
 * {@link Ring}: same producers, stages and rules. A record takes whole places of 32 bytes.
 *
 * @example
 * const records = ByteRing.create({ capacity: 1 << 16, header: { reply: 'u32' }, stages: { print: {} } });
 * records.producer().tryPublish('hello', (header) => { header.reply = 7; });
 * const closed = records.close();
 * for await (const batch of records.consumer('print')) {
 *   for (const record of batch) console.log(record.reply, record.bytes.toString());
 * }
 * await closed;
 */
export class ByteRing<H extends Fields, S extends Stages> extends SharedRing {
  private constructor(memory: SharedArrayBuffer, header: H, stages: S, own: boolean) {
    super(memory, header, stages, own);
  }

  /**
   * Makes a byte ring.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<
    const H extends Fields = NoFields,
    Names extends string = string,
    const S extends CheckedStages<H, Names> = CheckedStages<H, Names>,
  >(
    options: ByteRingOptions<H, S> & { readonly stages: CheckedStages<H, keyof S & string> },
  ): ByteRing<H, S> {
    checkObject('options', options, 'capacity, header and stages');
    const { capacity, header = {} as H, stages } = options;
    checkCapacity(capacity, L.GRANULE);
    const { bytes } = placeFields(header, 'header');
    checkFields(bytes, capacity);
    if (payloadOffset(bytes) >= capacity / 2) {
      const allowed = `more than twice the ${payloadOffset(bytes)} bytes that a record's header takes`;
      throw invalidArgument('capacity', capacity, allowed);
    }
    const memory = layOut({
      kind: L.KIND_BYTES,
      capacity: capacity / L.GRANULE,
      stride: L.GRANULE,
      fieldBytes: bytes,
      graph: makeGraph(stages, Object.keys(header)),
      start: firstSequence.value,
      ...checkRingOptions(options),
    });
    return new ByteRing(memory, header, stages, true);
  }

  /**
   * The byte ring behind a handle, in another thread than the one that made it.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for something else than a byte ring's handle, or another version's.
   */
  static attach<H extends Fields, S extends Stages>(
    handle: Handle<ByteRing<H, S>>,
  ): ByteRing<H, S> {
    const { memory, fields, stages } = checkHandle<H, S>(handle, 'ByteRing');
    return new ByteRing(memory, fields, stages, false);
  }

  /** Bytes. */
  get capacity(): number {
    return this.memory.capacity * L.GRANULE;
  }

  /** Opens a producer for this thread; see {@link Ring.producer}. */
  producer(): ByteProducer<Event<H>> {
    const names = new Set(this.places.map(({ name }) => name));
    const makeViewOf = (arrays: Arrays) =>
      makeView(eventView(this.places), this.places, names, 'a producer', arrays);
    const { memory } = this;
    return memory.multi
      ? new MultiByteProducer(memory, makeViewOf)
      : new SingleByteProducer(memory, makeViewOf(memory.arrays));
  }

  /** Opens a stage for this thread; see {@link Ring.consumer}. */
  consumer<N extends keyof S & string>(
    name: N,
    options: ConsumerOptions = {},
  ): ByteConsumer<StageRecord<H, S[N]>> {
    const stage = this.stage(name);
    const view = this.#view(stage);
    return ByteConsumer.open<StageRecord<H, S[N]>>(this.memory, stage, view, options);
  }

  /** Joins as a stage that was not declared; see {@link Ring.join}. */
  join(
    name: string,
    options: JoinOptions<keyof S & string> = {},
  ): ByteConsumer<StageRecord<H, StageOptions>> {
    const guest = makeGuest(this.graph, name, options);
    const view = this.#view(guest);
    this.memory.checkAttached();
    this.memory.checkOpen();
    return ByteConsumer.open<StageRecord<H, StageOptions>>(this.memory, guest, view, options);
  }

  #view(stage: Pick<Stage, 'name' | 'upstream' | 'writes'>): ViewClass<View> {
    const { arrays } = this.memory;
    const base = recordView(arrays.bytes);
    const beside = writtenBeside(this.graph, stage);
    return makeView(base, this.places, stage.writes, `stage '${stage.name}'`, arrays, beside);
  }
}

const MAX_FIELD_BYTES = 65_536;

/** A record's header fields take a quarter of the ring at most. */
function checkFields(bytes: number, capacity: number): void {
  const most = Math.min(MAX_FIELD_BYTES, Math.floor((capacity / 4 - L.RECORD_PREFIX) / 8) * 8);
  if (bytes > most)
    throw invalidArgument('header', `${bytes} bytes`, `fields of at most ${most} bytes`);
}
