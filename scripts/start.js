import { buildAll } from './build/all.js';
import { runProgram } from './program.js';
import { main } from './run.js';

await main(async () => {
  await buildAll();
  await runProgram('build/examples/gateway/main.js');
});
