import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './build/all.js';
import { npm } from './build/dependencies.js';
import { layOutFat } from './package/fat.js';
import { layOutMain } from './package/main.js';
import { layOutThin } from './package/thin.js';
import { at, root } from './root.js';
import { main } from './run.js';

// npm run pack:all -- --pack-destination DIR
await main(async () => {
  const options = { 'pack-destination': { type: 'string', default: at('build', 'packages') } };
  const { values } = parseArgs({ options });
  const destination = resolve(process.env.INIT_CWD ?? root, values['pack-destination']);
  mkdirSync(destination, { recursive: true });
  await buildPackage();
  for (const folder of [layOutMain(), ...(await layOutThin()), await layOutFat()]) {
    await npm(['pack', '--silent', '--pack-destination', destination], { cwd: folder });
  }
});
