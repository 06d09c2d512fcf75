import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Claim, Producer } from 'millrace';
import { all, before, number, numbers, range } from './rings.js';

interface Numbers {
  n: number;
}

type Step = { kind: 'claim' | 'commit' | 'publish' | 'flush' | 'poll'; who: 0 | 1; n: number };

/** What one producer has made known: in the order of claims, none while it is open. */
interface Made {
  numbers: number[] | undefined;
}

/**
 * Any sequence of claims, commits and aborts of two producers, with events that they publish between, on rings that
 * start just before the wrap: what is seen is what was committed, in the order of claims.
 */
test('what two producers claim, commit and abort is seen as a list would have it', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('claim', 'commit', 'publish', 'flush', 'poll'),
    who: fc.constantFrom(0, 1),
    n: fc.integer({ min: 0, max: 6 }),
  });
  const inputs = {
    steps: fc.array(step, { maxLength: 150 }),
    capacity: fc.constantFrom(4, 8, 16),
    distance: fc.integer({ min: 0, max: 40 }),
    maxBatch: fc.integer({ min: 1, max: 20 }),
    release: fc.constantFrom('auto' as const, 'manual' as const),
  };
  await fc.assert(
    fc.asyncProperty(
      fc.record(inputs),
      async ({ steps, capacity, distance, maxBatch, release }) => {
        const { ring, out, read } = before(distance, () =>
          numbers(capacity, { producers: 'multi', maxBatch, release }),
        );
        const producers = [out, ring.producer()];
        const claims: [Claim<Numbers> | undefined, Claim<Numbers> | undefined] = [
          undefined,
          undefined,
        ];
        const open: (Made | undefined)[] = [undefined, undefined];
        const staged: number[][] = [[], []];
        const made: Made[] = [];
        const seen: number[] = [];
        let next = 0;
        let aborted = 0;
        const flush = (who: 0 | 1) => {
          producers[who]?.flush();
          const left = producers[who]?.staged as number;
          const flushed = staged[who]?.splice(
            0,
            (staged[who]?.length as number) - left,
          ) as number[];
          if (flushed.length > 0) made.push({ numbers: flushed });
        };
        const end = (who: 0 | 1, used: number) => {
          const claim = claims[who];
          if (!claim) return;
          const first = claim.at(0).n;
          claim.commit(used);
          aborted += claim.length - used;
          (open[who] as Made).numbers = range(first, first + used);
          claims[who] = undefined;
        };
        const poll = (max?: number) => {
          const batch = read.poll(max);
          const found = all(batch);
          seen.push(...found);
          if (batch) expect(found).toHaveLength(batch.length);
          if (batch && release === 'manual') read.release(batch.sequence + batch.length);
          return found.length;
        };
        const visible = () => {
          const until = made.findIndex((one) => one.numbers === undefined);
          return made.slice(0, until < 0 ? made.length : until).flatMap((one) => one.numbers ?? []);
        };
        for (const { kind, who, n } of steps) {
          const producer = producers[who] as Producer<Numbers>;
          if (kind === 'claim' && !claims[who] && n > 0 && n <= capacity) {
            flush(who);
            const claim = producer.tryClaim(n);
            if (!claim) continue;
            for (let i = n - 1; i >= 0; i--) claim.at(i).n = next + i;
            next += n;
            claims[who] = claim;
            open[who] = { numbers: undefined };
            made.push(open[who] as Made);
          } else if (kind === 'commit') {
            end(who, Math.min(n, claims[who]?.length ?? 0));
          } else if (kind === 'publish' && !claims[who]) {
            // So that what a full staging memory flushes is known here.
            flush(who);
            if (producer.staged === 0 && producer.tryPublish(number, next))
              staged[who]?.push(next++);
            flush(who);
          } else if (kind === 'flush') {
            flush(who);
          } else if (kind === 'poll') {
            poll(Math.max(n, 1));
          }
          expect(seen).toEqual(visible().slice(0, seen.length));
          expect(read.stats().lag).toBeLessThanOrEqual(capacity);
        }
        for (const who of [0, 1] as const) end(who, 0);
        const known = visible().length;
        const ending = ring.close();
        while (poll() > 0 || !read.ended) for (const who of [0, 1] as const) flush(who);
        const { abandoned } = await ending;
        expect(seen.slice(0, known)).toEqual(visible().slice(0, known));
        // What is left the close flushes, in the order of who found the ring full first.
        expect(seen.toSorted((a, b) => a - b)).toEqual(visible().toSorted((a, b) => a - b));
        expect({ abandoned, staged }).toEqual({ abandoned: 0, staged: [[], []] });
        expect(ring.stats()).toMatchObject({ aborted, recovered: 0, lost: 0 });
        expect(read.stats().lag).toBe(0);
        ring.detach();
      },
    ),
    { numRuns: 300 },
  );
});
