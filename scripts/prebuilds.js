import { buildPackage } from './build/all.js';
import { layOutFat } from './package/fat.js';
import { layOutThin } from './package/thin.js';
import { main } from './run.js';

await main(async () => {
  await buildPackage();
  await layOutThin();
  await layOutFat();
});
