import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import { RecordBatch } from './record-batch.js';
import type { RingMemory } from './ring-memory.js';
import { type ConsumerOptions, StageConsumer } from './stage-consumer.js';
import type { View, ViewClass } from './view.js';

/** The consumer of a stage's records. */
export class ByteConsumer<R extends object> extends StageConsumer<R, RecordBatch<R>> {
  /** @internal */
  static open<R extends object>(
    memory: RingMemory,
    stage: Stage,
    view: ViewClass<View>,
    options: ConsumerOptions,
  ): ByteConsumer<R> {
    return new ByteConsumer<R>(
      memory,
      stage,
      options,
      (reader) => new RecordBatch<R>(reader, view),
    );
  }

  /** @internal Whole records only, and at least one. */
  protected override endOf(available: number, most: number): number {
    const { memory, next } = this.reader;
    if (available <= most) return (next + available) | 0;
    let taken = 0;
    do {
      const at = memory.slots + ((next + taken) & memory.mask) * L.GRANULE;
      taken += memory.words[(at >> 2) + 1] as number;
    } while (taken < most);
    return (next + taken) | 0;
  }

  /** @internal */
  protected override setBatch(batch: RecordBatch<R>, first: number, end: number): RecordBatch<R> {
    return batch.become(first, end);
  }

  /** @internal */
  protected override handleBatch(
    batch: RecordBatch<R>,
    handler: (record: R, sequence: number, endOfBatch: boolean) => void,
  ): void {
    for (const record of batch) {
      const { sequence } = record as { sequence: number };
      handler(record, sequence, batch.last);
    }
  }
}
