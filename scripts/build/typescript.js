import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { at } from '../root.js';
import { runNode } from '../run.js';
import { filesBelow } from './files.js';
import { whenStale } from './stale.js';

const settings = ['tsconfig.base.json', 'node_modules/typescript/package.json', 'package.json'];

/** Compiles src to dist, when stale. */
export const compileLibrary = () =>
  whenStale({
    name: 'library',
    inputs: ['src', 'tsconfig.json', ...settings],
    outputs: ['dist'],
    async work() {
      // The compiler does not copy declarations, and those of dist refer to these.
      mkdirSync(at('dist/native'), { recursive: true });
      copyFileSync(at('src/native/addon.d.ts'), at('dist/native/addon.d.ts'));
      await compile('tsconfig.json');
      removeOrphans('src', 'dist');
    },
  });

/** Compiles the examples and tests to build, when stale; their other files are copied. */
export const compilePrograms = () =>
  whenStale({
    name: 'programs',
    inputs: ['examples', '__test__', 'index.d.ts', 'tsconfig.programs.json', ...settings],
    outputs: ['build/__test__'],
    async work() {
      copyOtherFiles(['examples', '__test__']);
      await compile('tsconfig.programs.json');
      for (const folder of ['examples', '__test__']) removeOrphans(folder, `build/${folder}`);
    },
  });

const compile = (project) => runNode(at('node_modules/typescript/bin/tsc'), ['-p', project]);

function copyOtherFiles(folders) {
  for (const file of filesBelow(folders)) {
    if (file.endsWith('.ts')) continue;
    mkdirSync(dirname(at('build', file)), { recursive: true });
    cpSync(at(file), at('build', file));
  }
}

/** A deleted source must not live on as a compiled file: jest would go on running a deleted test. */
function removeOrphans(sources, outputs) {
  for (const file of filesBelow([outputs])) {
    const source = file.replace(outputs, sources);
    const compiled = source.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (![source, compiled].some((path) => existsSync(at(path)))) rmSync(at(file));
  }
}
