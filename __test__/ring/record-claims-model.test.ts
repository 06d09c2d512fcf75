import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteRing, type RecordClaim } from 'millrace';
import { before, closing } from './rings.js';

type Header = { n: number };

type Step = {
  kind: 'claim' | 'commit' | 'abort' | 'publish' | 'leave' | 'poll';
  who: 0 | 1;
  bytes: number;
};

/** What one producer has made known: in the order of claims, nothing while it is open. */
interface Made {
  records: string[] | undefined;
}

/** So that what is left from a lap ago, or of another record, would be found. */
const payload = (n: number, bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (n * 31 + i * 7) & 0xff));

const shown = (n: number, bytes: Buffer) => `${n}:${bytes.toString('hex')}`;

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('claim', 'commit', 'abort', 'publish', 'leave', 'poll'),
  who: fc.constantFrom(0, 1),
  bytes: fc.integer({ min: 0, max: 230 }),
});

/**
 * Any sequence of records that are published, claimed, used in part, aborted, or left by who claimed them, on rings that
 * start just before the wrap: what is seen is what was committed, in the order of claims, with the bytes that were used.
 */
test.each(['single', 'multi'] as const)(
  '%s: records that are claimed, committed and aborted are seen as a list would have it',
  async (producers) => {
    const inputs = {
      steps: fc.array(step, { maxLength: 120 }),
      capacity: fc.constantFrom(256, 512, 1024),
      distance: fc.integer({ min: 0, max: 40 }),
      maxBatch: fc.integer({ min: 1, max: 40 }),
      release: fc.constantFrom('auto' as const, 'manual' as const),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(inputs), async (input) => {
        const { steps, capacity, distance, maxBatch, release } = input;
        const ring = before(distance, () =>
          ByteRing.create({ capacity, header: { n: 'u32' }, stages: { read: {} }, producers }),
        );
        closing(ring);
        const read = ring.consumer('read', { maxBatch, release });
        const whole = ring.join('joined');
        const outs = producers === 'multi' ? [ring.producer(), ring.producer()] : [ring.producer()];
        const claims: (RecordClaim<Header> | undefined)[] = [];
        const open: (Made | undefined)[] = [];
        const made: Made[] = [];
        const seen: string[] = [];
        const joined: string[] = [];
        let next = 0;
        const take = (consumer: typeof whole, into: string[]) => {
          const batch = consumer.poll();
          for (const { n, bytes } of batch ?? []) into.push(shown(n, bytes));
          return batch;
        };
        const poll = () => {
          const behind = take(whole, joined);
          const batch = take(read as typeof whole, seen);
          if (batch && release === 'manual') read.release(batch.end);
          return (batch ?? behind) !== undefined;
        };
        const end = (who: number, used: number | undefined) => {
          const claim = claims[who];
          if (!claim) return;
          const { n } = claim.header;
          (open[who] as Made).records = used === undefined ? [] : [shown(n, payload(n, used))];
          if (used === undefined) claim.abort();
          else claim.commit(used);
          claims[who] = undefined;
        };
        const visible = () => {
          const until = made.findIndex(({ records }) => records === undefined);
          return made.slice(0, until < 0 ? made.length : until).flatMap(({ records }) => records);
        };
        for (const { kind, who: chosen, bytes } of steps) {
          const who = chosen % outs.length;
          const out = outs[who] as (typeof outs)[number];
          const length = Math.min(bytes, out.maxPayload);
          if (kind === 'claim' && !claims[who]) {
            const claim = out.tryClaim(length);
            if (!claim) continue;
            claim.header.n = next;
            claim.bytes.set(payload(next, length));
            claims[who] = claim;
            open[who] = { records: undefined };
            made.push(open[who] as Made);
            next += 1;
          } else if (kind === 'commit') {
            end(who, Math.min(length, claims[who]?.length ?? 0));
          } else if (kind === 'abort') {
            end(who, undefined);
          } else if (kind === 'publish' && !claims[who] && out.staged === 0) {
            const n = next;
            const write = (header: Header) => {
              header.n = n;
            };
            // What a full ring does not take stays staged: then the list would not know when it came.
            if (
              (await out.ready(length, { timeout: 0 }).then(
                () => true,
                () => false,
              )) === false
            ) {
              continue;
            }
            expect(out.tryPublish(payload(n, length), write)).toBe(true);
            out.flush();
            expect(out.staged).toBe(0);
            made.push({ records: [shown(n, payload(n, length))] });
            next += 1;
          } else if (kind === 'leave') {
            if (claims[who]) (open[who] as Made).records = [];
            claims[who] = undefined;
            out.close();
            outs[who] = ring.producer();
          } else if (kind === 'poll') {
            poll();
          }
          const known = visible();
          expect(seen).toEqual(known.slice(0, seen.length));
          expect(joined).toEqual(known.slice(0, joined.length));
        }
        for (const who of outs.keys()) end(who, undefined);
        const ending = ring.close();
        while (poll() || !read.ended || !whole.ended);
        expect(seen).toEqual(visible());
        expect(joined).toEqual(visible());
        expect((await ending).abandoned).toBe(0);
        expect(ring.stats()).toMatchObject({ recovered: 0, lost: 0 });
        expect(read.stats().lag).toBe(0);
        ring.detach();
      }),
      { numRuns: 200 },
    );
  },
);
