import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { all, closing, number, numbers } from './rings.js';

const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });

/** What arrives when a value is posted to another thread. */
function posted<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(value);
  const received = receiveMessageOnPort(port2)?.message;
  port1.close();
  return received;
}

test('a handle survives a message, and attaches to the same ring', () => {
  const { ring, out, read } = numbers(8);
  read.close();
  const same = closing(Ring.attach(posted(ring.handle), definition));
  out.tryPublish(number, 7);
  out.flush();
  expect(all(same.consumer('read').poll())).toEqual([7]);
  expect(same.capacity).toBe(8);
});

test('a handle survives workerData, and a worker that attaches shares the ring', async () => {
  const { ring, out, read } = numbers(8);
  out.close();
  const source = `
    import { workerData } from 'node:worker_threads';
    import { Ring } from 'millrace';
    const out = Ring.attach(workerData).producer();
    await out.publish((event) => { event.n = 9; });
  `;
  // Beside the package, so that the worker finds it by name.
  const file = new URL('./publish-nine.mjs', import.meta.url);
  const { writeFile, rm } = await import('node:fs/promises');
  await writeFile(file, source);
  try {
    new Worker(file, { workerData: ring.handle });
    expect(all(await read.receive())).toEqual([9]);
  } finally {
    await rm(file);
  }
});

test('what is no handle of this kind is refused', () => {
  const { ring } = numbers(4);
  const bytes = closing(ByteRing.create({ capacity: 64, stages: { read: {} } }));
  const scribbled = { ...(ring.handle as object), memory: new SharedArrayBuffer(1024) };
  const wrong = [
    undefined,
    null,
    7,
    {},
    ring,
    bytes.handle,
    { ...ring.handle, memory: {} },
    scribbled,
  ];
  for (const handle of wrong) {
    expect(() => Ring.attach(handle as never)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
    );
  }
  // @ts-expect-error: the handle of a ring is none of a byte ring
  expect(() => ByteRing.attach(ring.handle)).toThrow(TypeError);
});

test("a definition that is not the ring's is refused", () => {
  const { ring } = numbers(4);
  const other = Ring.define({ fields: { n: 'u16' }, stages: { read: {} } });
  // @ts-expect-error: another type of field
  expect(() => Ring.attach(ring.handle, other)).toThrow("definition must be the ring's own");
});
