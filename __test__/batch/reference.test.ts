import { expect, test } from '@jest/globals';
import { runScript } from '../process/run-program.js';

// The first handler takes nothing, as one does whose database is away, and the process is warned; the next one starts
// after a pause.
const pausing = `
  import { BatchQueue } from 'millrace';
  let calls = 0;
  const queue = BatchQueue.create((batch) => {
    calls += 1;
    if (calls === 1) throw new Error('away');
    console.log('ran');
    return batch.take();
  });
  process.removeAllListeners('warning');
  process.on('exit', () => console.log(calls));
  queue.push(1).catch(() => {});
`;

test('a queue keeps the process through a pause with items that wait', async () => {
  const ran = await runScript(pausing);
  expect(ran).toMatchObject({ code: 0, stdout: 'ran\n2\n' });
});

test('unreferenced, before the pause or in it, it does not; referenced again, it does', async () => {
  const before = await runScript(`${pausing} queue.unref();`);
  expect(before).toMatchObject({ code: 0, stdout: '1\n' });
  const within = await runScript(`${pausing} process.on('warning', () => queue.unref());`);
  expect(within).toMatchObject({ code: 0, stdout: '1\n' });
  const again = await runScript(`${pausing} process.on('warning', () => queue.unref().ref());`);
  expect(again).toMatchObject({ code: 0, stdout: 'ran\n2\n' });
});
