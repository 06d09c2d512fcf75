import { at } from '../root.js';
import { run } from '../run.js';

/**
 * Runs the tests of the benchmarks' frame, which is plain JavaScript and needs no installation, and
 * adds what Node's runner says.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} files
 */
export async function testFrame(tally, files) {
  let output = '';
  const onOutput = (text) => {
    output += text;
  };
  const args = ['--test', '--test-reporter=tap', ...files.map((file) => at(file))];
  try {
    await run(process.execPath, args, { onOutput });
  } finally {
    const count = (what) => Number(output.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0);
    tally.passed += count('pass');
    tally.failed += count('fail');
  }
}
