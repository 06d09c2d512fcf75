import { existsSync, readFileSync, rmSync } from 'node:fs';
import { at } from '../root.js';
import { run } from '../run.js';

/**
 * What a program sees without `MILLRACE_CHECK=1`, where views are moved in other ways: these run a second time, without
 * it. They are of one thread mostly, and none is about the check.
 */
const unchecked = [
  'bytes',
  'claims',
  'claims-model',
  'close',
  'closed-producer',
  'consume',
  'into',
  'publish',
  'record-claims',
  'record-claims-model',
  'staged',
  'within-write',
  'workers',
  'wrap',
].map((name) => `__test__/ring/${name}.test.ts`);

/**
 * Runs jest on compiled tests and adds what its report says.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} files their sources
 */
export async function runJest(tally, files) {
  // Flyweights that are used too late throw.
  await tally.of('jest', () => runFiles(tally, files, '1'));
  const again = files.filter((file) => unchecked.includes(file));
  if (again.length === 0) return;
  console.log(`and without MILLRACE_CHECK: ${again.join(', ')}`);
  await tally.of('jest without MILLRACE_CHECK', () => runFiles(tally, again, '0'));
}

async function runFiles(tally, files, check) {
  const report = at('build', 'jest.json');
  rmSync(report, { force: true });
  const compiled = files.map((file) => at('build', file.replace(/\.ts$/, '.js')));
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = [at('node_modules/jest/bin/jest.js'), '--json', `--outputFile=${report}`];
  try {
    await run(process.execPath, [...flags, ...jest, '--runTestsByPath', ...compiled], {
      env: { MILLRACE_CHECK: check },
    });
  } finally {
    if (existsSync(report)) add(tally, JSON.parse(readFileSync(report, 'utf8')));
  }
}

function add(tally, report) {
  tally.passed += report.numPassedTests;
  // A suite that could not even be loaded has no tests to fail.
  tally.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (['pending', 'todo', 'disabled'].includes(status)) tally.skipped.push(fullName);
    }
  }
}
