import { expect, test } from '@jest/globals';
import { runProgram } from '../process/run-program.js';

test('a scheduler that is forgotten is ended with one warning; one that is closed or has work is not', async () => {
  const { code, stdout, stderr } = await runProgram('../fiber/forgotten', [], ['--expose-gc']);
  expect(JSON.parse(stdout)).toEqual({
    kept: { alive: [2], warnings: [] },
    made: [2, 3, 4],
    left: [2],
    warnings: [['MILLRACE_FORGOTTEN', 'a scheduler was collected without close()']],
  });
  expect({ code, stderr: stderr.match(/collected/g) }).toEqual({ code: 0, stderr: ['collected'] });
});
