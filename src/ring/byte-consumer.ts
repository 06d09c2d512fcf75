import type { Stage } from './graph.js';
import type { Guest } from './join.js';
import { layout as L } from './layout.js';
import { RecordBatch } from './record-batch.js';
import type { RingMemory } from './ring-memory.js';
import { type ConsumerOptions, type MakeBatch, StageConsumer } from './stage-consumer.js';
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
    const makeBatch: MakeBatch<RecordBatch<R>> = (reader, held) =>
      new RecordBatch<R>(reader, view, held);
    return new ByteConsumer<R>(memory, stage, options, makeBatch);
  }

  /** @internal */
  protected override behind(sequence: number): number {
    const { slots, mask, words } = this.reader.memory;
    const at = slots + (sequence & mask) * L.GRANULE;
    return (sequence + (words[(at >> 2) + 1] as number)) | 0;
  }

  /** @internal Goes from record to record: their lengths tell where the next one begins. */
  protected override begins(sequence: number): boolean {
    let at = this.reader.released;
    while (((sequence - at) | 0) > 0) at = this.behind(at);
    return at === sequence;
  }

  /** @internal Whole records only, and at least one. */
  protected override endOf(available: number, most: number): number {
    const { next } = this.reader;
    if (available <= most) return (next + available) | 0;
    let end = next;
    do end = this.behind(end);
    while (((end - next) | 0) < most);
    return end;
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
