import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { Ring } from 'millrace';
import { layout } from '#dist/ring/layout.js';
import { runScript } from '../process/run-program.js';
import { all, closing, number, numbers, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;

test.each(kinds)('%s: what was accepted is consumed, then everybody is told', async (producers) => {
  const { ring, out, read } = numbers(8, { producers });
  for (const n of range(0, 5)) out.tryPublish(number, n);
  const ending = ring.close();
  expect(() => out.tryPublish(number, 9)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }),
  );
  expect(await outcome(out.publish(number, 9))).toBe('ERR_MILLRACE_CLOSED');
  const seen: number[] = [];
  for await (const batch of read) seen.push(...all(batch));
  expect(seen).toEqual(range(0, 5));
  expect(await ending).toEqual({ consumed: 5, abandoned: 0 });
  expect(await ring.close()).toEqual({ consumed: 5, abandoned: 0 });
  expect(await read.receive()).toBeUndefined();
});

test.each(kinds)(
  '%s: events that another attachment has staged are still consumed',
  async (producers) => {
    const { ring, out, read } = numbers(8, { producers });
    const elsewhere = closing(Ring.attach(ring.handle));
    for (const n of range(0, 3)) out.tryPublish(number, n);
    out.flush();
    const seen: number[] = [];
    const consuming = (async () => {
      for await (const batch of read) seen.push(...all(batch));
    })();
    const ending = elsewhere.close();
    await consuming;
    expect(seen).toEqual(range(0, 3));
    expect(await ending).toEqual({ consumed: 3, abandoned: 0 });
  },
);

test.each(kinds)(
  '%s: a claim given up on a closed ring lets go of who waits for its events',
  async (producers) => {
    const { ring, out, read } = numbers(8, { producers });
    const claim = out.tryClaim(2);
    const receiving = outcome(read.receive());
    const sleeps = () => ring.stats().stages.read?.waits ?? 0;
    while (sleeps() < 1) await setImmediate();
    const ending = ring.close();
    // Woken by the close, it sleeps again.
    while (sleeps() < 2) await setImmediate();
    claim?.abort();
    expect(await receiving).toBeUndefined();
    expect(await ending).toEqual({ consumed: 0, abandoned: 0 });
  },
);

test('more than a full ring of accepted events gets through a close', async () => {
  const { ring, out, read } = numbers(4, { producers: 'multi' });
  let n = 0;
  while (out.tryPublish(number, n)) n += 1;
  const ending = ring.close();
  const seen: number[] = [];
  for await (const batch of read) seen.push(...all(batch));
  expect(seen).toEqual(range(0, n));
  expect(await ending).toEqual({ consumed: n, abandoned: 0 });
});

test('a close that takes too long tells exactly what is left', async () => {
  const { ring, out, read } = numbers(8);
  for (const n of range(0, 6)) out.tryPublish(number, n);
  out.flush();
  read.poll(2);
  read.poll(1);
  expect(await ring.close({ timeout: 5 })).toEqual({ consumed: 2, abandoned: 4 });
  expect(await ring.close({ timeout: 0 })).toEqual({ consumed: 2, abandoned: 4 });
  expect(await outcome(ring.close({ timeout: -1 }))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  read.poll();
  read.poll();
  expect(await ring.close()).toEqual({ consumed: 6, abandoned: 0 });
});

test('what was published behind an open claim is abandoned, and what is claimed is not', async () => {
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  const other = ring.producer();
  const claim = out.tryClaim(3);
  for (const n of [1, 2]) other.tryPublish(number, n);
  other.flush();
  const given = other.tryClaim(1);
  given?.abort();
  expect(await ring.close({ timeout: 0 })).toEqual({ consumed: 0, abandoned: 2 });
  claim?.commit(1);
  expect(await ring.close({ timeout: 0 })).toEqual({ consumed: 0, abandoned: 3 });
  while (read.poll());
  expect(await ring.close()).toEqual({ consumed: 3, abandoned: 0 });
});

test('waiting producers and consumers are woken by a close', async () => {
  const full = numbers(2);
  for (const n of [0, 1]) full.out.tryPublish(number, n);
  const publishing = outcome(full.out.publish(number, 2));
  const empty = numbers(2);
  const receiving = outcome(empty.read.receive());
  await setImmediate();
  full.ring.close({ timeout: 0 });
  await empty.ring.close();
  expect(await publishing).toBe('ERR_MILLRACE_CLOSED');
  expect(await receiving).toBeUndefined();
});

test('two closes at once are both answered', async () => {
  const { ring, out, read } = numbers(4);
  out.tryPublish(number, 1);
  const both = Promise.all([ring.close(), ring.close()]);
  await setTimeout(1);
  read.poll();
  read.poll();
  expect(await both).toEqual([
    { consumed: 1, abandoned: 0 },
    { consumed: 1, abandoned: 0 },
  ]);
});

/** Attachments of one ring, each with a close that waits. */
const closingAll = (ring: Ring<{ n: 'u32' }, { read: object }>) =>
  [ring, ...range(0, 3).map(() => closing(Ring.attach(ring.handle)))].map((one) => ({
    one,
    ending: one.close(),
  }));

test.each(kinds)(
  '%s: all who close are answered, also where the one that came last is gone',
  async (producers) => {
    const { ring, out, read } = numbers(4, { producers });
    out.tryPublish(number, 1);
    const closes = closingAll(ring);
    const last = closes.pop();
    last?.one.detach();
    expect(await last?.ending).toEqual({ consumed: 0, abandoned: 1 });
    await setImmediate();
    read.poll();
    read.poll();
    const endings = await Promise.all(closes.map(({ ending }) => ending));
    expect(endings).toEqual(closes.map(() => ({ consumed: 1, abandoned: 0 })));
  },
);

test.each(
  kinds.flatMap((producers) =>
    (['adaptive', 'spin'] as const).map((wait) => ({ producers, wait })),
  ),
)(
  'who closes is told when a claim is given up that no stage is there to pass over: %p',
  async (options) => {
    const { ring, out, read } = numbers(4, options);
    read.close();
    const claim = out.tryClaim(2);
    const closes = closingAll(ring);
    await setImmediate();
    claim?.abort();
    const endings = await Promise.all(closes.map(({ ending }) => ending));
    expect(endings).toEqual(closes.map(() => ({ consumed: 0, abandoned: 0 })));
  },
);

test.each(kinds)(
  '%s: who closes is told when a thread lets go of what it had accepted',
  async (producers) => {
    const { ring, out } = numbers(64, { producers });
    out.close();
    const workerData = { handle: ring.handle };
    const worker = new Worker(
      `import('millrace').then(({ Ring }) => {
        const { parentPort, workerData } = require('node:worker_threads');
        const out = Ring.attach(workerData.handle).producer();
        out.tryPublish((event) => { event.n = 1; });
        parentPort.postMessage('accepted');
        for (;;);
      })`,
      { eval: true, workerData },
    );
    await once(worker, 'message');
    const closes = closingAll(ring);
    await setImmediate();
    await worker.terminate();
    const endings = await Promise.all(closes.map(({ ending }) => ending));
    expect(endings).toEqual(closes.map(() => ({ consumed: 0, abandoned: 0 })));
    expect(ring.stats().lost).toBe(1);
  },
);

test('a close that waits keeps the process, and sleeps', async () => {
  const { code, stdout, stderr } = await runScript(`
    import { setTimeout } from 'node:timers/promises';
    import { Ring } from 'millrace';
    const ring = Ring.create({ fields: { n: 'u32' }, stages: { read: {} }, capacity: 4 });
    const out = ring.producer();
    out.tryPublish((event) => { event.n = 1; });
    out.flush();
    const closed = ring.close();
    await setTimeout(10);
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    await setTimeout(500);
    console.log(performance.nodeTiming.uvMetricsInfo.loopCount - loopCount);
    const read = ring.consumer('read');
    setTimeout(0, undefined, { ref: false }).then(() => read.poll() && read.poll());
    console.log(await closed);
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [turns, ended] = stdout.split('\n');
  expect(Number(turns)).toBeLessThan(5);
  expect(ended).toBe('{ consumed: 1, abandoned: 0 }');
});

test('detaching closes what this thread has open, and leaves the ring to others', async () => {
  const { ring, out, read } = numbers(8, { producers: 'multi', maxProducers: 1 });
  const other = closing(Ring.attach(ring.handle));
  out.tryPublish(number, 1);
  out.flush();
  ring.detach();
  ring.detach();
  expect(() => out.tryPublish(number, 2)).toThrow('closed');
  expect(() => read.poll()).toThrow('closed');
  expect(() => ring.producer()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  expect(() => ring.consumer('read')).toThrow('detached');
  expect(await outcome(ring.close())).toBe('ERR_MILLRACE_CLOSED');
  expect(all(other.consumer('read').poll())).toEqual([1]);
  expect(other.stats().producers).toBe(0);
});

test('a ring that is let go of while it closes gives each number of its doorbell back once', async () => {
  const [a, b] = [numbers(4), numbers(4)];
  b.read.close();
  a.out.tryPublish(number, 1);
  a.out.flush();
  const ending = a.ring.close();
  a.ring.detach();
  // The number that was given back last is the first to be given again.
  const received = b.open().receive().then(all);
  await ending;
  b.out.tryPublish(number, 7);
  b.out.flush();
  expect(await received).toEqual([7]);
});

test('disposal closes what was made here, and detaches from what was not', async () => {
  const { ring, out, read } = numbers(4);
  {
    await using other = Ring.attach(ring.handle);
    expect(other.capacity).toBe(4);
  }
  // It went on for others.
  out.tryPublish(number, 1);
  expect(all(await read.receive())).toEqual([1]);
  read.poll();
  {
    await using _made = ring;
  }
  // A mere detach would have left the ring to others.
  const state = new Int32Array((ring.handle as unknown as { memory: SharedArrayBuffer }).memory);
  expect(state[layout.HEADER_STATE]).toBe(layout.CLOSING);
  const elsewhere = closing(Ring.attach(ring.handle));
  expect(() => elsewhere.join('late')).toThrow('this ring is closed and takes no more events');
  expect(() => out.tryPublish(number, 2)).toThrow('this producer is closed');
});
