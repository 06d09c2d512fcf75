import { expect, test } from '@jest/globals';
import { runProgram } from '../process/run-program.js';

test('a queue that is forgotten gets one warning; one that is closed, or runs, gets none', async () => {
  const { code, stdout } = await runProgram('../batch/forgotten', [], ['--expose-gc']);
  expect(JSON.parse(stdout)).toEqual({
    closedOrBusy: [],
    result: 'result of a',
    warnings: [['MILLRACE_FORGOTTEN', 'a batch queue was collected without close()']],
  });
  expect(code).toBe(0);
});
