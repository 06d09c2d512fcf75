import { buildAll } from './build/all.js';
import { main } from './run.js';

await main(buildAll);
