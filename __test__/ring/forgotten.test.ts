import { expect, test } from '@jest/globals';
import { runProgram } from '../process/run-program.js';

test('a ring that is forgotten is collected with one warning; one that is used is not', async () => {
  const { code, stdout } = await runProgram('../ring/forgotten', [], ['--expose-gc']);
  expect(JSON.parse(stdout)).toEqual({
    afterClosed: [0, 0],
    afterForgotten: [2, 1],
    still: 7,
    heard: 1,
    warnings: ['a ring was collected without close() or detach()'],
  });
  expect(code).toBe(0);
});
