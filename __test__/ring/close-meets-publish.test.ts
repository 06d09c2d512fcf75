import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { closing } from './rings.js';

function create(bytes: boolean, producers: 'single' | 'multi') {
  const common = { capacity: 1024, producers, stages: { read: {} } } as const;
  return closing(
    bytes ? ByteRing.create(common) : Ring.create({ ...common, fields: { n: 'u32' } }),
  );
}

const program = (name: string) => new URL(`./${name}.js`, import.meta.url);

const kinds = [
  { bytes: false, producers: 'single' },
  { bytes: false, producers: 'multi' },
  { bytes: true, producers: 'single' },
] as const;

/** Another thread that closes the ring when `signal` is 1; it is 2 when it has, and 3 when its stage has ended. */
async function startCloser(ring: ReturnType<typeof create>, bytes: boolean) {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const closer = new Worker(program('close-on-signal'), {
    workerData: { handle: ring.handle, bytes, signal },
  });
  await once(closer, 'message');
  return { closer, signal };
}

/** Has it close, and blocks this thread until it has. */
function closeAndWait(signal: Int32Array) {
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
  expect(Atomics.wait(signal, 0, 1, 10_000)).not.toBe('timed-out');
}

test.each(kinds)(
  '%p: an event that is being written while another thread closes is consumed',
  async (kind) => {
    const { bytes, producers } = kind;
    const ring = create(bytes, producers);
    const { closer, signal } = await startCloser(ring, bytes);
    const answer = once(closer, 'message');
    const write = () => closeAndWait(signal);
    const out = ring.producer();
    const accepted = 'maxPayload' in out ? out.tryPublish('record', write) : out.tryPublish(write);
    expect(accepted).toBe(true);
    expect((await answer)[0]).toMatchObject({ ended: false, seen: 1, abandoned: 0 });
    await closer.terminate();
  },
);

test.each([false, true])(
  'bytes %p: an event whose write has flushed is not accepted by a ring that was closed meanwhile',
  async (bytes) => {
    const ring = create(bytes, 'single');
    const { closer, signal } = await startCloser(ring, bytes);
    const answer = once(closer, 'message');
    const out = ring.producer();
    const write = () => {
      out.flush();
      closeAndWait(signal);
      expect(Atomics.wait(signal, 0, 2, 10_000)).not.toBe('timed-out');
    };
    const publish = () =>
      'maxPayload' in out ? out.tryPublish('record', write) : out.tryPublish(write);
    expect(publish).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
    expect((await answer)[0]).toMatchObject({ seen: 0, abandoned: 0 });
    await closer.terminate();
  },
);

test.each(kinds)(
  '%p: a thread that has flushed holds no close up, though its turn does not end',
  async (kind) => {
    const { bytes, producers } = kind;
    const ring = create(bytes, producers);
    const { closer, signal } = await startCloser(ring, bytes);
    const answer = once(closer, 'message');
    const out = ring.producer();
    expect('maxPayload' in out ? out.tryPublish('record') : out.tryPublish(() => {})).toBe(true);
    out.flush();
    closeAndWait(signal);
    expect(Atomics.wait(signal, 0, 2, 10_000)).not.toBe('timed-out');
    expect((await answer)[0]).toMatchObject({ seen: 1, abandoned: 0 });
    await closer.terminate();
  },
);

const count = (batch: Iterable<unknown> | undefined) => [...(batch ?? [])].length;

test.each([
  { bytes: false, producers: 'single', flush: 1 },
  { bytes: false, producers: 'single', flush: 3 },
  { bytes: false, producers: 'multi', flush: 1 },
  { bytes: true, producers: 'single', flush: 1 },
  { bytes: true, producers: 'multi', flush: 1 },
] as const)(
  '%p: what is accepted while another thread closes is consumed',
  async (kind) => {
    const { bytes, producers, flush } = kind;
    const worker = new Worker(program('publish-until-closed'));
    await once(worker, 'message');
    for (let round = 0; round < 100; round++) {
      const ring = create(bytes, producers);
      const reader = ring.consumer('read', { maxBatch: 1 << 20 });
      worker.postMessage({ handle: ring.handle, bytes, flush });
      const answer = once(worker, 'message');
      let seen = count(await reader.receive());
      // Up with the producer, a little later each round.
      for (let i = 0; i < round % 16; i++) seen += count(reader.poll());
      const ending = ring.close();
      for await (const batch of reader) seen += count(batch);
      const [accepted] = await answer;
      expect({ round, seen }).toEqual({ round, seen: accepted });
      expect(await ending).toMatchObject({ abandoned: 0 });
      expect(ring.stats()).toMatchObject({ lost: 0 });
      ring.detach();
      await setImmediate();
    }
    await worker.terminate();
  },
  60_000,
);
