import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';

const root = dirname(createRequire(import.meta.url).resolve('millrace/package.json'));

type AffectedBy = (file: string) => string[];
const { affectedBy }: { affectedBy: AffectedBy } = await import(
  pathToFileURL(join(root, 'scripts/watch/affected.js')).href
);
const { select } = await import(pathToFileURL(join(root, 'scripts/test/selection.js')).href);

const everything = ['__test__/'];

test.each([
  ['crates/ring/src/lib.rs', ['crates/ring', '__test__/ring/']],
  ['crates/park/tests/loom_sleep.rs', ['crates/park', '__test__/park/']],
  ['crates/node/src/lib.rs', everything],
  ['src/ring/producer.ts', ['__test__/ring/']],
  ['src/errors.ts', ['__test__/errors.test.ts']],
  ['src/operation.ts', everything],
  ['src/index.ts', everything],
  ['src/park/environment.ts', ['__test__/park/']],
  ['src/native/load.ts', ['__test__/native/']],
  ['src/native/binding.ts', everything],
  ['examples/gateway/demo/load.ts', ['__test__/gateway/']],
  ['__test__/batch/limit.test.ts', ['__test__/batch/limit.test.ts']],
  ['__test__/batch/deferred.ts', ['__test__/batch/']],
  ['benchmark/frame/ratio.js', ['benchmark/frame']],
  ['benchmark/suites/echo.js', []],
])('%s asks for the tests of its part, and for all when it has none', (file, patterns) => {
  expect(affectedBy(file)).toEqual(patterns);
  // Every pattern must find something, or a change would be passed over in silence.
  for (const pattern of patterns) {
    const { crates, models, frame, files } = select([pattern]);
    expect([...crates, ...models, ...frame, ...files]).not.toEqual([]);
  }
});

/** A copy of this checkout as it is built, so that what is changed in it is nobody else's. */
async function copyCheckout(): Promise<string> {
  const copy = await realpath(await mkdtemp(join(tmpdir(), 'millrace-watch-')));
  const left = ['node_modules', 'target', '.git', 'npm', 'build/tools', 'build/lock'];
  await cp(root, copy, {
    recursive: true,
    filter: (path) => {
      const inside = relative(root, path).replaceAll(sep, '/');
      return !left.includes(inside) && !inside.endsWith('/node_modules');
    },
  });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  return copy;
}

/** A program whose output is waited for, from where the last wait ended. */
class Listened {
  readonly child: ChildProcess;
  #said = '';
  #heard = () => {};

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
        this.#heard();
      });
    }
    child.on('close', () => {
      this.#said += '\nended\n';
      this.#heard();
    });
  }

  /** Resolves with all that was said up to a pattern; rejects when the program ends before. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#said);
      if (found) {
        const end = found.index + found[0].length;
        const told = this.#said.slice(0, end);
        this.#said = this.#said.slice(end);
        return told;
      }
      if (this.#said.endsWith('\nended\n')) throw new Error(`no ${pattern} in: ${this.#said}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}

let watch: Listened | undefined;
let copy: string | undefined;

afterAll(async () => {
  if (watch && watch.child.exitCode === null && watch.child.signalCode === null) {
    const ended = once(watch.child, 'close');
    watch.child.kill('SIGKILL');
    await ended;
  }
  if (copy !== undefined) await rm(copy, { recursive: true, force: true });
});

test('npm run watch shows an error of a change, and tests the part when it is mended', async () => {
  copy = await copyCheckout();
  const env = { ...process.env, NODE_OPTIONS: '' };
  watch = new Listened(spawn(process.execPath, ['scripts/watch.js'], { cwd: copy, env }));
  await watch.until(/ watching\n/);

  const file = join(copy, 'src/errors.ts');
  const source = readFileSync(file, 'utf8');
  appendFileSync(file, "\nexport const wrong: number = 'text';\n");
  const failed = await watch.until(/ watching\n/);
  expect(failed).toMatch(/^src\/errors\.ts\(\d+,\d+\): error TS2322: /m);
  expect(failed).not.toMatch(/\d+ passed/);

  writeFileSync(file, `${source}\n// Mended.\n`);
  const mended = await watch.until(/ watching\n/);
  expect(mended).not.toMatch(/error TS/);
  expect(mended).toMatch(/errors\.test\.js/);
  expect(mended).toMatch(/^[1-9]\d* passed, 0 failed$/m);
  // Compiled anew, not only looked at.
  expect(readFileSync(join(copy, 'dist/errors.js'), 'utf8')).toContain('// Mended.');
}, 300_000);
