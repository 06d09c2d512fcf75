import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { at, root } from '../root.js';
import { failure } from '../run.js';
import { whenStale } from './stale.js';

/** Gathers the public API's declarations from dist into the one file index.d.ts, when stale. */
export const gatherDeclarations = () =>
  whenStale({
    name: 'declarations',
    inputs: [
      'src',
      'api-extractor.json',
      'biome.json',
      'node_modules/@microsoft/api-extractor/package.json',
    ],
    outputs: ['index.d.ts'],
    work,
  });

async function work() {
  // Imported late: the scripts run before anything is installed.
  const { Extractor, ExtractorConfig, ExtractorLogLevel } = await import('@microsoft/api-extractor');
  const config = ExtractorConfig.loadFileAndPrepare(at('api-extractor.json'));
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      const quiet = [ExtractorLogLevel.Info, ExtractorLogLevel.Verbose, ExtractorLogLevel.None];
      message.handled = quiet.includes(message.logLevel);
    },
  });
  if (!succeeded) throw failure('index.d.ts could not be gathered from dist');
  writeFileSync(at('index.d.ts'), formatted(readFileSync(at('index.d.ts'), 'utf8')));
}

function formatted(input) {
  const biome = at('node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'format', '--stdin-file-path=index.d.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw failure(`index.d.ts could not be formatted: ${stderr}`);
  return stdout;
}
