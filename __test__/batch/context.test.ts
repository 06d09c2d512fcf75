import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';

const storage = new AsyncLocalStorage<string>();

test('handlers run in the context the queue was made in, the first and all later ones', async () => {
  const seen: (string | undefined)[] = [];
  const queue = storage.run('maker', () =>
    BatchQueue.create<number, number>(
      async (batch) => {
        seen.push(storage.getStore());
        await null;
        const items = batch.take();
        seen.push(storage.getStore());
        return items;
      },
      { maxBatch: 1 },
    ),
  );
  await storage.run('caller', () => Promise.all([1, 2].map((n) => queue.push(n))));
  expect(seen).toEqual(['maker', 'maker', 'maker', 'maker']);
});

test('what follows a push runs in its caller’s context, whether it is fulfilled or not', async () => {
  const queue = storage.run('maker', () =>
    BatchQueue.create<number, number>((batch) =>
      batch.take().map((n) => (n % 3 === 0 ? new Error('no') : n)),
    ),
  );
  const request = async (n: number) => {
    const { signal } = new AbortController();
    try {
      await queue.push(n, n % 2 === 0 ? { signal, timeout: 1000 } : undefined);
    } catch {
      expect(n % 3).toBe(0);
    }
    return storage.getStore();
  };
  const ids = Array.from({ length: 30 }, (_, n) => n);
  const seen = await Promise.all(ids.map((n) => storage.run(`request ${n}`, () => request(n))));
  expect(seen).toEqual(ids.map((n) => `request ${n}`));
});
