import { expect, test } from '@jest/globals';
import { runProgram } from '../process/run-program.js';

test('a ring that is forgotten is collected with what is open on it, each kind with one warning; one that is used is not', async () => {
  const { code, stdout } = await runProgram('../ring/forgotten', [], ['--expose-gc']);
  expect(JSON.parse(stdout)).toEqual({
    afterClosed: [0, 0],
    afterForgotten: [2, 3],
    still: 7,
    heard: 1,
    warnings: expect.arrayContaining([
      'a ring was collected without close() or detach()',
      'a consumer was collected without close()',
      'a producer was collected without close()',
    ]),
  });
  expect(code).toBe(0);
});
