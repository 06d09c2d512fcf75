import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const run = promisify(execFile);
const root = dirname(createRequire(import.meta.url).resolve('millrace/package.json'));
const minutes = 60_000;

let folder: string;
let packages: Record<'main' | 'thin' | 'fat', string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-packages-'));
  const tarballs = join(folder, 'tarballs');
  const script = ['run', 'pack:all', '--', '--pack-destination', tarballs];
  await run(process.execPath, [npm(), ...script], { cwd: root });
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const names = (await readdir(tarballs)).sort();
  const thin = names.find((name) => name.startsWith('millrace-native-')) ?? 'none for the platform';
  expect(thin).toContain(`-${process.platform}-${process.arch}`);
  const [main, fat] = [`millrace-${version}.tgz`, `millrace-prebuilt-${version}.tgz`] as const;
  expect(names).toEqual([main, thin, fat]);
  const [mainFile, thinFile, fatFile] = [main, thin, fat].map((name) => join(tarballs, name));
  packages = { main: mainFile, thin: thinFile, fat: fatFile } as typeof packages;
}, 10 * minutes);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Installs tarballs into an empty folder with nothing but Node on the PATH, asking no registry. */
async function install(name: string, tarballs: string[]): Promise<string> {
  const project = join(folder, name);
  const bin = join(project, 'bin');
  await mkdir(bin, { recursive: true });
  await symlink(process.execPath, join(bin, 'node'));
  await writeFile(join(project, 'package.json'), '{ "private": true }');
  const flags = ['--offline', '--no-audit', '--no-fund', '--cache', join(project, 'cache')];
  await run(process.execPath, [npm(), 'install', ...flags, ...tarballs], {
    cwd: project,
    env: bare(bin),
  });
  return project;
}

/** An environment without what npm and jest add to ours: those settings would reach the npm below. */
const bare = (path: string) => ({ PATH: path, HOME: folder, TMPDIR: folder });

function npm(): string {
  const besides = process.env.PATH?.split(delimiter).map((path) => join(path, 'npm')) ?? [];
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js'),
    ...besides,
  ];
  return candidates.find((path) => path && existsSync(path)) ?? 'npm';
}

/** The files with native code below an installed package, as hashes. */
async function addons(project: string): Promise<string[]> {
  const installed = join(project, 'node_modules', '@millrace');
  const names = await readdir(installed, { recursive: true });
  const binaries = names.filter((name) => name.endsWith('.node'));
  return Promise.all(
    binaries.map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(installed, name)))
        .digest('hex'),
    ),
  );
}

async function runReadmeExample(project: string) {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const example = /^```js\n(.*?)^```$/ms.exec(readme)?.[1];
  expect(example).toBeDefined();
  await writeFile(join(project, 'example.mjs'), example as string);
  return run(process.execPath, ['example.mjs'], {
    cwd: project,
    env: bare(join(project, 'bin')),
    timeout: minutes,
  });
}

test(
  "the platform's package and the offline package carry the same bytes",
  async () => {
    const thin = await addons(await install('thin-bytes', [packages.main, packages.thin]));
    const fat = await addons(await install('fat-bytes', [packages.main, packages.fat]));
    expect(thin).toHaveLength(1);
    expect(fat).toEqual(thin);
  },
  5 * minutes,
);

test.each(['thin', 'fat'] as const)(
  "with the %s package alone, without cargo and a registry, the README's example runs",
  async (kind) => {
    const project = await install(kind, [packages.main, packages[kind]]);
    const { stdout, stderr } = await runReadmeExample(project);
    // The answer is a line, and `console.log` ends it once more.
    expect({ stdout, stderr }).toEqual({ stdout: 'HELLO\n\n', stderr: '' });
  },
  5 * minutes,
);

test(
  'with the main package alone, the error says what to install',
  async () => {
    const project = await install('alone', [packages.main]);
    const script = "import('millrace').catch((error) => console.log(error.code, error.message))";
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: project });
    expect(stdout).toContain('ERR_MILLRACE_NATIVE_MISSING');
    expect(stdout).toContain(`@millrace/native-${process.platform}-${process.arch}`);
  },
  5 * minutes,
);

test('all manifests carry the same version', async () => {
  const version = async (file: string) =>
    JSON.parse(await readFile(join(root, file), 'utf8')).version;
  const cargo = await readFile(join(root, 'Cargo.toml'), 'utf8');
  const main = await version('package.json');
  expect(await version('npm/prebuilt/package.json')).toBe(main);
  expect(/^\[workspace\.package\][^[]*?^version = "(.+?)"/ms.exec(cargo)?.[1]).toBe(main);
});
