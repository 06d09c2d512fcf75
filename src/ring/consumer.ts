import { EventBatch } from './event-batch.js';
import type { Stage } from './graph.js';
import type { Guest } from './join.js';
import type { RingMemory } from './ring-memory.js';
import { slotView } from './slot-view.js';
import { type ConsumerOptions, type MakeBatch, StageConsumer } from './stage-consumer.js';
import type { View, ViewClass } from './view.js';

/** The consumer of a stage's events. */
export class Consumer<E extends object> extends StageConsumer<E, EventBatch<E>> {
  /** @internal */
  static open<E extends object>(
    memory: RingMemory,
    stage: Stage | Guest,
    view: ViewClass<View>,
    options: ConsumerOptions,
  ): Consumer<E> {
    const slots = slotView(view, memory);
    const makeBatch: MakeBatch<EventBatch<E>> = (reader, held) =>
      new EventBatch<E>(reader, slots, held);
    return new Consumer<E>(memory, stage, options, makeBatch);
  }

  /** @internal */
  protected override behind(sequence: number): number {
    return (sequence + 1) | 0;
  }

  /** @internal Every sequence is where an event begins. */
  protected override begins(): boolean {
    return true;
  }

  /** @internal */
  protected override endOf(available: number, most: number): number {
    return (this.reader.next + Math.min(available, most)) | 0;
  }

  /** @internal */
  protected override setBatch(batch: EventBatch<E>, first: number, end: number): EventBatch<E> {
    return batch.become(first, (end - first) | 0);
  }

  /** @internal */
  protected override handleBatch(
    batch: EventBatch<E>,
    handler: (event: E, sequence: number, endOfBatch: boolean) => void,
  ): void {
    let { sequence } = batch;
    const last = sequence + batch.length - 1;
    for (const event of batch) {
      handler(event, sequence, sequence === last);
      sequence += 1;
    }
  }
}
