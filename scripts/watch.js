import { parseArgs } from 'node:util';
import { setUpBench } from './bench/set-up.js';
import { buildAll } from './build/all.js';
import { at } from './root.js';
import { main, runNode } from './run.js';
import { runTests } from './test/all.js';
import { Tally } from './test/tally.js';
import { affectedBy } from './watch/affected.js';
import { changesBelow } from './watch/changes.js';

// npm run watch -- [--bench SUITE]   builds what changed, tests it, and benches it quickly when asked
await main(async () => {
  const { values } = parseArgs({ options: { bench: { type: 'string' } } });
  const changes = changesBelow(['crates', 'src', 'examples', '__test__', 'benchmark']);
  await round([], values.bench);
  for await (const files of changes) {
    // The build writes the binding's declarations: no change of ours.
    const own = files.filter((file) => file !== 'src/native/addon.d.ts');
    if (own.length > 0) await round(own, values.bench);
  }
});

async function round(files, suite) {
  const tally = new Tally();
  await tally.of('build', buildAll);
  const patterns = [...new Set(files.flatMap(affectedBy))];
  if (tally.failed === 0 && patterns.length > 0) {
    await runTests(tally, patterns);
    tally.print();
  }
  if (tally.failed === 0 && suite) await tally.of('bench', () => bench(suite));
  console.log(`${new Date().toLocaleTimeString()} watching`);
}

async function bench(suite) {
  await setUpBench();
  await runNode(at('benchmark', 'run.js'), [suite, '--quick']);
}
