import type { BatchKind, Handler } from './batch-kind.js';
import type { ConsumerOptions } from './consumer-options.js';
import { EventBatch } from './event-batch.js';
import type { Stage } from './graph.js';
import type { Held } from './held.js';
import type { Guest } from './join.js';
import type { Place } from './place.js';
import type { RingMemory } from './ring-memory.js';
import { type SlotView, slotView } from './slot-view.js';
import { StageConsumer } from './stage-consumer.js';
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
    return new Consumer<E>(memory, stage, options, new EventBatches<E>(slotView(view, memory)));
  }
}

class EventBatches<E extends object> implements BatchKind<E, EventBatch<E>> {
  readonly #view: ViewClass<SlotView>;

  constructor(view: ViewClass<SlotView>) {
    this.#view = view;
  }

  make(place: Place, held: Held): EventBatch<E> {
    return new EventBatch<E>(place, this.#view, held);
  }

  set(batch: EventBatch<E>, first: number, end: number): EventBatch<E> {
    return batch.become(first, (end - first) | 0);
  }

  endOf({ next }: Place, available: number, most: number): number {
    return (next + Math.min(available, most)) | 0;
  }

  behind(_place: Place, sequence: number): number {
    return (sequence + 1) | 0;
  }

  /** Every sequence is where an event begins. */
  begins(): boolean {
    return true;
  }

  handle(batch: EventBatch<E>, handler: Handler<E>): void {
    let { sequence } = batch;
    const last = sequence + batch.length - 1;
    for (const event of batch) {
      handler(event, sequence, sequence === last);
      sequence += 1;
    }
  }
}
