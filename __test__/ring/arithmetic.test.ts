import { expect, test } from '@jest/globals';
import fc from 'fast-check';

// Read when the package is loaded.
process.env.MILLRACE_CHECK = '1';
const { ByteRing, Ring } = await import('millrace');
const { firstSequence } = await import('#dist/ring/shared-ring.js');
const { closing, range } = await import('./rings.js');

const stale = expect.objectContaining({ code: 'ERR_MILLRACE_STALE' });

const actions = ['publish', 'flush', 'poll', 'release', 'reopen'] as const;

const step = fc.record({
  action: fc.constantFrom(...actions, 'publish' as const, 'poll' as const, 'poll' as const),
  /** How many, of what the action is about. */
  n: fc.integer({ min: 1, max: 24 }),
  /** The producer, or how far an iteration goes. */
  which: fc.nat(30),
});

const run = fc.record({
  steps: fc.array(step, { maxLength: 100 }),
  capacity: fc.constantFrom(2, 4, 8, 32),
  /** Around the wrap, and around the sign of the 32 bits. */
  start: fc.oneof(
    fc.integer({ min: -60, max: 0 }),
    fc.integer({ min: 2 ** 31 - 60, max: 2 ** 31 - 1 }),
  ),
  maxBatch: fc.integer({ min: 1, max: 40 }),
  release: fc.constantFrom('auto' as const, 'manual' as const),
  /** Whether everything is consumed in the end, or given up. */
  drained: fc.boolean(),
});

function startingAt<T>(start: number, make: () => T): T {
  firstSequence.value = start;
  try {
    return make();
  } finally {
    firstSequence.value = 0;
  }
}

/** What was handed out at each sequence: the same each time, and each thing once. */
class Seen {
  readonly ids: number[] = [];

  add(at: number, id: number): void {
    if (at < this.ids.length) expect(id).toBe(this.ids[at]);
    else {
      expect(at).toBe(this.ids.length);
      this.ids.push(id);
    }
  }
}

test.each([
  { producers: 'single', seats: 1 },
  { producers: 'multi', seats: 1 },
  { producers: 'multi', seats: 3 },
] as const)(
  'events of $seats producers ($producers): each once, in order, under its number, whatever is held',
  async ({ producers, seats }) => {
    const property = fc.asyncProperty(run, async (given) => {
      const { steps, capacity, start, maxBatch, release, drained } = given;
      const first = start >>> 0;
      const fields = { id: 'u32' } as const;
      const ring = startingAt(start, () =>
        closing(Ring.create({ fields, stages: { read: {} }, capacity, producers })),
      );
      const outs = range(0, seats).map(() => ring.producer());
      const open = () => ring.consumer('read', { maxBatch, release });
      let read = open();
      const accepted = outs.map(() => 0);
      const seen = new Seen();
      /** Counted from the first sequence on. */
      let [handed, released] = [0, 0];
      type Batch = NonNullable<ReturnType<typeof read.poll>>;
      let held: { batch: Batch; from: number; to: number }[] = [];
      /** With 'auto': where the batch in hand would be left. */
      let passed = 0;

      const published = () => ring.stats().cursor - first;
      const check = () => {
        const sum = accepted.reduce((a, b) => a + b, 0);
        const staged = outs.reduce((all, out) => all + out.staged, 0);
        expect(published() + staged).toBe(sum);
        const lag = published() - released;
        expect(lag).toBeLessThanOrEqual(capacity);
        expect(read.stats()).toMatchObject({ sequence: first + released, lag });
        for (const { batch, from, to } of held) {
          expect([batch.sequence, batch.end, batch.length]).toEqual([
            first + from,
            first + to,
            to - from,
          ]);
          const rest = () => Array.from(batch, ({ id }) => id);
          if (to <= released) expect(rest).toThrow(stale);
          else expect(rest()).toEqual(seen.ids.slice(Math.max(from, released), to));
        }
      };
      const poll = (most?: number, goes?: number) => {
        if (release === 'auto') released = handed;
        const batch = read.poll(most);
        const count = batch?.length ?? 0;
        expect(count > 0).toBe(published() > handed);
        expect(count).toBeLessThanOrEqual(Math.min(published() - handed, most ?? maxBatch));
        passed = handed;
        if (!batch) return;
        expect([batch.sequence, batch.end]).toEqual([first + handed, first + handed + count]);
        for (const [i, at] of range(handed, handed + count).entries()) {
          seen.add(at, batch.at(i)?.id as number);
        }
        const stop = goes === undefined ? count : goes % (count + 1);
        let gone = 0;
        for (const { id } of batch) {
          if (gone === stop) break;
          seen.add(handed + gone, id);
          gone += 1;
        }
        passed = handed + gone;
        if (release === 'manual') held.push({ batch, from: handed, to: handed + count });
        handed += count;
      };

      for (const { action, n, which } of steps) {
        const seat = which % seats;
        const out = outs[seat] as (typeof outs)[number];
        if (action === 'publish') {
          const write = (event: { id: number }, id: number) => {
            event.id = id;
          };
          for (let i = 0; i < n; i++) {
            if (!out.tryPublish(write, seat * 1e6 + (accepted[seat] as number))) break;
            accepted[seat] = (accepted[seat] as number) + 1;
          }
        } else if (action === 'flush') out.flush();
        else if (action === 'poll') poll(n % 3 === 0 ? undefined : n, which);
        else if (action === 'release') {
          // By hand any number that was handed out; else early, of what the next step would release.
          released = Math.min(handed, released + n);
          read.release(first + released);
          if (release === 'auto') passed = Math.max(passed, released);
        } else {
          if (release === 'auto' && handed > released) released = Math.max(released, passed);
          read.close();
          for (const { batch } of held) expect(() => [...batch]).toThrow(stale);
          held = [];
          handed = released;
          read = open();
        }
        check();
      }

      for (const out of outs) out.flush();
      const closed = ring.close({ timeout: drained ? 5000 : 0 });
      if (drained) {
        do {
          poll();
          // What a full ring had no room for is flushed in a turn of its own.
          await new Promise(setImmediate);
          if (release === 'auto') continue;
          released = Math.min(handed, released + capacity / 2);
          read.release(first + released);
        } while (!read.ended);
        if (release === 'manual') read.release(first + handed);
        read.close();
        const sum = accepted.reduce((a, b) => a + b, 0);
        const { consumed, abandoned } = await closed;
        expect([consumed - first, abandoned]).toEqual([sum, 0]);
        for (const seat of range(0, seats)) {
          const own = seen.ids.filter((id) => Math.floor(id / 1e6) === seat);
          expect(own).toEqual(range(0, accepted[seat] as number).map((n) => seat * 1e6 + n));
        }
      } else {
        expect(await closed).toEqual({
          consumed: first + released,
          abandoned: published() - released,
        });
      }
      ring.detach();
    });
    await fc.assert(property, { numRuns: 100 });
  },
);

test.each(['single', 'multi'] as const)(
  '%s: records are each handed out once, whole, under the number where they lie, whatever is held',
  async (producers) => {
    const property = fc.asyncProperty(run, async (given) => {
      const { steps, capacity, start, maxBatch, release, drained } = given;
      const first = start >>> 0;
      const places = capacity * 8;
      const header = { id: 'u32' } as const;
      const ring = startingAt(start, () =>
        closing(
          ByteRing.create({ capacity: places * 32, header, stages: { read: {} }, producers }),
        ),
      );
      const out = ring.producer();
      const open = () => ring.consumer('read', { maxBatch, release });
      let read = open();
      let accepted = 0;
      /** Where each record was seen, by its number. */
      const at: number[] = [];
      const bytes = (id: number) => Buffer.alloc((id * 37) % Math.min(150, out.maxPayload), id);
      type Batch = NonNullable<ReturnType<typeof read.poll>>;
      let held: Batch[] = [];
      /** Numbers of records. */
      let [handed, released] = [0, 0];
      let inHand: Batch | undefined;
      /** Where the last batch of this opening ended. */
      let end = 0;
      const look = (batch: Batch, from: number) => {
        let id = from;
        for (const record of batch) {
          expect([record.id, record.copy()]).toEqual([id, bytes(id)]);
          if (id === at.length) at.push(record.sequence);
          expect(record.sequence).toBe(at[id]);
          id += 1;
        }
        return id;
      };
      const firstIn = (batch: Batch) => at.findIndex((sequence) => sequence >= batch.sequence);
      const check = () => {
        const { cursor } = ring.stats();
        const { sequence, lag } = read.stats();
        expect(lag).toBe(cursor - sequence);
        expect(lag).toBeLessThanOrEqual(places);
        for (const batch of held) {
          if (batch.end <= sequence) expect(() => [...batch]).toThrow(stale);
          else look(batch, Math.max(firstIn(batch), released));
        }
      };
      const poll = (most?: number) => {
        if (release === 'auto') released = handed;
        const { cursor } = ring.stats();
        const before = handed;
        inHand = read.poll(most);
        if (!inHand) return;
        handed = look(inHand, handed);
        end = inHand.end;
        expect(end).toBeLessThanOrEqual(cursor);
        expect(handed > before || end > inHand.sequence).toBe(true);
        if (release === 'manual') held.push(inHand);
      };
      for (const { action, n } of steps) {
        if (action === 'publish') {
          for (let i = 0; i < n; i++) {
            const write = (event: { id: number }, id: number) => {
              event.id = id;
            };
            if (!out.tryPublish(bytes(accepted), write, accepted)) break;
            accepted += 1;
          }
        } else if (action === 'flush') out.flush();
        else if (action === 'poll') poll(n % 3 === 0 ? undefined : n);
        else if (action === 'release') {
          const next = Math.min(handed, released + n);
          // Where a record lies, or where the last batch ends.
          if (next < handed) read.release(at[next] as number);
          else if (inHand) read.release(Math.max(inHand.end, read.stats().sequence));
          else continue;
          released = next;
        } else {
          // With 'auto' each batch was gone through to its end.
          if (release === 'auto') released = handed;
          read.close();
          held = [];
          handed = released;
          inHand = undefined;
          end = 0;
          read = open();
        }
        check();
      }
      out.flush();
      const closed = ring.close({ timeout: drained ? 5000 : 0 });
      if (drained) {
        do {
          poll();
          // What a full ring had no room for is flushed in a turn of its own.
          await new Promise(setImmediate);
          if (release === 'manual' && end > read.stats().sequence) read.release(end);
        } while (!read.ended);
        const { cursor } = ring.stats();
        if (release === 'manual') read.release(cursor);
        read.close();
        expect(await closed).toEqual({ consumed: cursor, abandoned: 0 });
        expect(at.length).toBe(accepted);
        expect(at[0] ?? first).toBeGreaterThanOrEqual(first);
      } else {
        const { sequence } = read.stats();
        const { cursor } = ring.stats();
        expect(await closed).toEqual({ consumed: sequence, abandoned: cursor - sequence });
      }
      ring.detach();
    });
    await fc.assert(property, { numRuns: 100 });
  },
);
