import { expect, test } from '@jest/globals';
import { runProgram } from './run-program.js';

const minutes = 60_000;

test(
  'a thousand workers that are terminated at random leave nothing behind',
  async () => {
    const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
    const ended = await runProgram('teardown-load', [`${seed}`, '1000', '300'], ['--expose-gc']);
    const told = `seed ${seed}\n${ended.stdout}\n${ended.stderr}`;
    if (ended.code !== 0 || ended.stderr !== '') throw new Error(`code ${ended.code}, ${told}`);

    const { started, warm, end, regions, rings } = JSON.parse(ended.stdout);
    expect({ told, started }).toEqual({ told, started: 1000 });
    // Node itself grows by 4 MiB over as many empty workers, and varies by as much from run to run. A region, a
    // doorbell or a module that stays behind would be 50 KiB a worker at least, 35 MiB.
    expect(end - warm).toBeLessThan(24);
    // The three that the main thread has shared; each worker's own is gone with it.
    expect(regions).toBe(3);
    const whole = { seats: 0, whole: true, abandoned: 0, consumed: expect.any(Number) };
    expect({ told, rings }).toEqual({ told, rings: [whole, whole, whole] });
  },
  10 * minutes,
);

test('five workers that block, never warmed up, end within 300 ms', async () => {
  const took: number[] = [];
  // Others on this machine may hold one process up, but hardly three.
  while (took.length < 3 && !took.some((milliseconds) => milliseconds < 300)) {
    const { code, stdout, stderr } = await runProgram('blocked');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    took.push(Number(stdout));
  }
  expect(Math.min(...took)).toBeLessThan(300);
});
