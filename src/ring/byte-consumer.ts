import type { BatchKind, Handler } from './batch-kind.js';
import type { ConsumerOptions } from './consumer-options.js';
import type { Stage } from './graph.js';
import type { Held } from './held.js';
import type { Guest } from './join.js';
import { layout as L } from './layout.js';
import type { Place } from './place.js';
import { RecordBatch } from './record-batch.js';
import type { RingMemory } from './ring-memory.js';
import { StageConsumer } from './stage-consumer.js';
import type { View, ViewClass } from './view.js';

/** The consumer of a stage's records. */
export class ByteConsumer<R extends object> extends StageConsumer<R, RecordBatch<R>> {
  /** @internal */
  static open<R extends object>(
    memory: RingMemory,
    stage: Stage | Guest,
    view: ViewClass<View>,
    options: ConsumerOptions,
  ): ByteConsumer<R> {
    return new ByteConsumer<R>(memory, stage, options, new RecordBatches<R>(view));
  }
}

class RecordBatches<R extends object> implements BatchKind<R, RecordBatch<R>> {
  readonly #view: ViewClass<View>;

  constructor(view: ViewClass<View>) {
    this.#view = view;
  }

  make(place: Place, held: Held): RecordBatch<R> {
    return new RecordBatch<R>(place, this.#view, held);
  }

  set(batch: RecordBatch<R>, first: number, end: number): RecordBatch<R> {
    return batch.become(first, end);
  }

  /** Whole records only, and at least one. */
  endOf(place: Place, available: number, most: number): number {
    const { next } = place;
    if (available <= most) return (next + available) | 0;
    let end = next;
    do end = this.behind(place, end);
    while (((end - next) | 0) < most);
    return end;
  }

  behind({ memory }: Place, sequence: number): number {
    const { slots, mask, words } = memory;
    const at = slots + (sequence & mask) * L.GRANULE;
    return (sequence + (words[(at >> 2) + 1] as number)) | 0;
  }

  /** Goes from record to record: their lengths tell where the next one begins. */
  begins(place: Place, sequence: number): boolean {
    let at = place.released;
    while (((sequence - at) | 0) > 0) at = this.behind(place, at);
    return at === sequence;
  }

  handle(batch: RecordBatch<R>, handler: Handler<R>): void {
    for (const record of batch) {
      const { sequence } = record as { sequence: number };
      handler(record, sequence, batch.last);
    }
  }
}
