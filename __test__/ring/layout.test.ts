import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';
import { producerCell, stageCell } from '#dist/ring/cells.js';
import { makeGraph, type StageOptions } from '#dist/ring/graph.js';
import { layOut } from '#dist/ring/lay-out.js';
import { layout as L } from '#dist/ring/layout.js';
import { RingMemory } from '#dist/ring/ring-memory.js';
import { range } from './rings.js';

test('both sides have the same layout', () => {
  expect({ ...L }).toEqual(binding.layoutNumbers());
});

const rings = fc
  .record({
    /** Workers of each stage; 0 for one that is not shared. */
    stages: fc.array(fc.constantFrom(0, 0, 1, 3), { minLength: 1, maxLength: 7 }),
    producers: fc.option(fc.integer({ min: 1, max: 32 }), { nil: undefined }),
    guests: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    capacity: fc.constantFrom(2, 4, 64),
    stride: fc.constantFrom(8, 24, 128),
  })
  .map(({ stages, producers, guests, capacity, stride }) => {
    const options: Record<string, StageOptions> = {};
    stages.forEach((workers, at) => {
      options[`stage ${at}`] = workers > 0 ? { workers } : {};
    });
    return layOut({
      kind: L.KIND_RING,
      capacity,
      stride,
      fieldBytes: 0,
      maxProducers: producers ?? 1,
      multi: producers !== undefined,
      wait: 'block',
      graph: makeGraph(options, []),
      maxConsumers: guests === undefined ? undefined : stages.length + guests,
      start: 0,
    });
  });

/** Takes until nothing is left to take, and gives what was taken. */
function takeAll(take: () => number): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(take());
  } catch {
    return taken;
  }
}

/** Takes every seat of consumers natively: those that no worker has of a shared stage are nobody's. */
function takeConsumers({ words, handle }: RingMemory): number[] {
  const declared = range(0, words[L.HEADER_STAGES] as number).flatMap((stage) => {
    if (words[L.HEADER_WORKERS + stage] !== 0) {
      return takeAll(() => binding.takeWorker(environment, handle, stage));
    }
    binding.takeStage(environment, handle, stage);
    return [stage];
  });
  let name = 0;
  const cursor = (1 << L.CURSOR_BIT) >>> 0;
  const join = () => binding.joinStage(environment, handle, `guest ${name++}`, cursor, false);
  return [...declared, ...takeAll(join)];
}

test('native code finds the cells of any ring where they were laid out', () => {
  fc.assert(
    fc.property(rings, (laidOut) => {
      const memory = new RingMemory(laidOut);
      const { words, handle } = memory;
      try {
        const consumers = takeConsumers(memory);
        const shared = (seat: number) =>
          seat < (words[L.HEADER_STAGES] as number) && words[L.HEADER_WORKERS + seat] !== 0;
        const seats = range(0, words[L.HEADER_SEATS] as number).filter((seat) => !shared(seat));
        expect(consumers.sort((a, b) => a - b)).toEqual(seats);
        const producers = takeAll(() => binding.takeProducer(environment, handle));
        expect(producers).toEqual(range(0, memory.maxProducers));
        const cells = [
          ...consumers.map(stageCell),
          ...producers.map((producer) => producerCell(words, producer)),
        ];
        const owners = cells.map((cell) => words[cell + L.CELL_OWNER]);
        expect(owners).toEqual(cells.map(() => environment));
      } finally {
        memory.detach();
      }
    }),
  );
});

test('native code finds stamps, counts and slots of any ring where they were laid out', () => {
  fc.assert(
    fc.property(rings, (laidOut) => {
      const memory = new RingMemory(laidOut);
      const { words, handle, capacity, stride, slots, stamps } = memory;
      try {
        // A single producer in JavaScript has neither; where its slots begin was compared when the ring was attached.
        if (!memory.multi) return;
        const producer = binding.takeProducer(environment, handle);
        const events = new Uint8Array((capacity - 1) * stride).fill(0xff);
        binding.publishCopied(handle, producer, events, capacity - 1);
        binding.claim(handle, producer, 1);
        binding.commitClaim(handle, producer, 0);
        // What was given up is stamped with the sequence behind it, and its highest bit tells so.
        const last = capacity - 1;
        expect(words[stamps + last]).toBe(capacity);
        expect((words[stamps + capacity + last] as number) >>> 0).toBe(0x80000001);
        expect(slots).toBe((stamps + 2 * capacity) * 4);
        const bytes = new Uint8Array(laidOut, slots);
        expect(bytes).toEqual(Uint8Array.from(bytes, (_, at) => (at < events.length ? 0xff : 0)));
        expect(bytes).toHaveLength(capacity * stride);
      } finally {
        memory.detach();
      }
    }),
  );
});
