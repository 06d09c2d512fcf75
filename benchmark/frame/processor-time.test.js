import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spent, threadTimes } from './processor-time.js';

test('what threads spent is summed; one that ended is left out, one that began counts whole', () => {
  const before = new Map([
    ['1', 100],
    ['2', 900],
  ]);
  const after = new Map([
    ['1', 150],
    ['3', 7],
  ]);
  assert.equal(spent(before, after), 57);
});

const skip = process.platform === 'linux' ? false : 'reads /proc, which Linux has';

test('a process at work spends what its own clock says', { skip }, async () => {
  const before = await threadTimes(process.pid);
  const began = process.cpuUsage();
  while (process.cpuUsage(began).user + process.cpuUsage(began).system < 50_000);
  const own = process.cpuUsage(began);
  const microseconds = spent(before, await threadTimes(process.pid)) / 1e3;
  assert.ok(microseconds >= (own.user + own.system) * 0.8, `${microseconds} us`);
});
