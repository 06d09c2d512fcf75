import { expect, test } from '@jest/globals';
import { runProgram } from '../process/run-program.js';

// All other tests run with `MILLRACE_CHECK=1`, where views are moved in other ways.
test('events and records come as they went in where uses are not checked', async () => {
  const { code, stdout } = await runProgram('../ring/unchecked');
  const sum = (999 * 1000) / 2;
  const [events, bytes] = [sum * 2.5, sum * 2];
  expect(JSON.parse(stdout)).toEqual([events, bytes, events, bytes]);
  expect(code).toBe(0);
});
