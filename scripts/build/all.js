import { buildAddon } from './addon.js';
import { gatherDeclarations } from './declarations.js';
import { installDependencies } from './dependencies.js';
import { alone } from './lock.js';
import { compileLibrary, compilePrograms } from './typescript.js';

/** Installs and builds whatever is stale: a fresh clone needs nothing else. */
export const buildAll = () => build([compileLibrary, gatherDeclarations, compilePrograms]);

/** The same without the examples and tests: what the published package needs. */
export const buildPackage = () => build([compileLibrary, gatherDeclarations]);

const build = (typescript) =>
  alone(async () => {
    await installDependencies();
    await buildAddon();
    await attemptEach(typescript);
  });

/** After an error the later steps are tried all the same, so that all errors are seen at once. */
async function attemptEach(steps) {
  let failed;
  for (const step of steps) {
    await step().catch((error) => {
      failed ??= error;
    });
  }
  if (failed) throw failed;
}
