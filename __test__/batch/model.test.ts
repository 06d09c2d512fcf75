import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BatchQueue } from 'millrace';
import { type Call, drained, outcome, scripted } from './deferred.js';

/** What the queue must do, written with plain arrays. */
class Model {
  waiting: number[] = [];
  running: { asked: boolean; taken: number[] }[] = [];
  outcomes = new Map<number, unknown>();

  start(concurrency: number): void {
    const open = this.running.some((handler) => !handler.asked);
    if (!open && this.waiting.length > 0 && this.running.length < concurrency) {
      this.running.push({ asked: false, taken: [] });
    }
  }

  settle(item: number, how: unknown): void {
    if (!this.outcomes.has(item)) this.outcomes.set(item, how);
  }
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('push' as const), abortable: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      which: fc.nat(),
      max: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(),
      how: fc.constantFrom('results', 'errors', 'short', 'throw'),
    }),
  },
);

test('any history of pushes, aborts, takes and ends does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.record({
        maxBatch: fc.constantFrom(1, 3, Infinity),
        concurrency: fc.constantFrom(1, 2, 3),
        queueLimit: fc.constantFrom(2, 5, Infinity),
        onFull: fc.constantFrom('wait' as const, 'reject' as const),
      }),
      async (steps, options) => {
        const model = new Model();
        const { calls, handler } = scripted<number, string>();
        const live: Call<number, string>[] = [];
        const queue = BatchQueue.create(handler, options);
        const outcomes: Promise<unknown>[] = [];
        const aborts: { item: number; abort: AbortController }[] = [];
        let started = 0;

        for (const one of steps) {
          const which = 'which' in one && live.length > 0 ? one.which % live.length : 0;
          const call = live[which];
          const ours = model.running[which];
          if (one.kind === 'push') {
            const item = outcomes.length;
            const abort = new AbortController();
            if (one.abortable) aborts.push({ item, abort });
            outcomes.push(
              outcome(queue.push(item, one.abortable ? { signal: abort.signal } : undefined)),
            );
            if (options.onFull === 'reject' && model.waiting.length >= options.queueLimit) {
              model.settle(item, 'ERR_MILLRACE_FULL');
            } else model.waiting.push(item);
          } else if (one.kind === 'abort' && aborts.length > 0) {
            const [{ item, abort }] = aborts.splice(one.which % aborts.length, 1) as [
              (typeof aborts)[0],
            ];
            abort.abort();
            model.waiting = model.waiting.filter((waiting) => waiting !== item);
            model.settle(item, 'ERR_MILLRACE_ABORTED');
          } else if (one.kind === 'take' && call && ours) {
            const bound = Math.min(options.maxBatch, options.queueLimit);
            expect(call.batch.size).toBe(Math.min(bound, model.waiting.length));
            const expected = model.waiting.splice(0, Math.min(bound, one.max ?? Infinity));
            expect(call.batch.take(one.max)).toEqual(expected);
            ours.asked = true;
            ours.taken.push(...expected);
          } else if (one.kind === 'end' && call && ours?.asked) {
            live.splice(which, 1);
            model.running.splice(which, 1);
            const { taken } = ours;
            if (one.how === 'throw' && taken.length > 0) {
              call.reject(new Error('thrown'));
              for (const item of taken) model.settle(item, 'thrown');
            } else if (one.how === 'short' && taken.length > 0) {
              call.resolve(['short'].slice(taken.length === 1 ? 1 : 0));
              for (const item of taken) model.settle(item, 'ERR_MILLRACE_BATCH_RESULT');
            } else {
              const odd = one.how === 'errors' ? 1 : -1;
              call.resolve(taken.map((item) => (item % 2 === odd ? new Error('odd') : `${item}`)));
              for (const item of taken) model.settle(item, item % 2 === odd ? 'odd' : `${item}`);
            }
          }
          model.start(options.concurrency);
          await drained();
          live.push(...calls.slice(started));
          started = calls.length;
          expect(live.length).toBe(model.running.length);
          expect(queue.stats()).toMatchObject({
            pushed: outcomes.length,
            waiting: model.waiting.length,
            running: model.running.length,
          });
        }

        const running = model.running.flatMap(({ taken }) => taken);
        const unfinished = running.filter((item) => !model.outcomes.has(item));
        const report = await queue.close({ timeout: 0 });
        if (live.length > 0) expect(report).toEqual({ notRun: model.waiting, unfinished });
        for (const item of model.waiting) model.settle(item, 'ERR_MILLRACE_CLOSED');
        for (const item of running) model.settle(item, 'ended');
        for (const call of live) call.reject(new Error('ended'));
        await queue.idle();
        expect(await Promise.all(outcomes)).toEqual(
          outcomes.map((_, item) => model.outcomes.get(item)),
        );
        const { pushed, waiting, inFlight, fulfilled, rejected } = queue.stats();
        const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
        expect(waiting + inFlight + fulfilled + refused).toBe(pushed);
      },
    ),
    { numRuns: 300 },
  );
});
