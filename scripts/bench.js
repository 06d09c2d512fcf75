import { setUpBench } from './bench/set-up.js';
import { runProgram } from './program.js';
import { main } from './run.js';

// npm run bench -- SUITE… [--quick] [--long] [--json FILE]
await main(async () => {
  await setUpBench();
  await runProgram('benchmark/run.js');
});
