import { buildAll } from './build/all.js';
import { main } from './run.js';
import { runTests } from './test/all.js';
import { Tally } from './test/tally.js';

// npm test -- PATTERN…   only tests whose path contains a pattern: `ring`, `crates/park`
// npm test -- --long     stress tests take an hour
await main(async () => {
  const patterns = process.argv.slice(2).filter((argument) => argument !== '--long');
  if (process.argv.includes('--long')) process.env.MILLRACE_STRESS = 'long';
  const tally = new Tally();
  await tally.of('build', buildAll);
  if (tally.failed === 0) await runTests(tally, patterns);
  tally.print();
  if (!tally.good) process.exitCode = 1;
});
