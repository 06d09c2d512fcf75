import { buildAll } from './build/all.js';
import { main } from './run.js';
import { runTests } from './test/all.js';
import { Tally } from './test/tally.js';

// npm test -- PATTERN…   only tests whose path contains a pattern: `ring`, `crates/park`
await main(async () => {
  const tally = new Tally();
  await tally.of('build', buildAll);
  if (tally.failed === 0) await runTests(tally, process.argv.slice(2));
  tally.print();
  if (!tally.good) process.exitCode = 1;
});
