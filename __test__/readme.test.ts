import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';

// This file is build/__test__/readme.test.js when it runs.
const root = fileURLToPath(new URL('../..', import.meta.url));
const build = join(root, 'build');
mkdirSync(build, { recursive: true });
const directory = mkdtempSync(join(build, 'readme-'));
afterAll(() => rmSync(directory, { recursive: true }));

const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const documents = ['README.md', ...guides.map((name) => `docs/${name}`)];

/** A program in a document, and what the document says that it prints. */
interface Sample {
  readonly line: number;
  readonly code: string;
  /** The block of `text` right behind it. */
  readonly output: string | undefined;
}

function samples(document: string): Sample[] {
  const text = readFileSync(join(root, document), 'utf8');
  const blocks = text.matchAll(/^```js\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms);
  return [...blocks].map(({ index, 1: code = '', 2: output }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
    output,
  }));
}

/**
 * Lines that comments behind `console.log(…)` promise. A comment is taken at its word when it begins
 * with a digit, a bracket or a quote, or has no small letters: `// HELLO`, but not `// two lines`.
 */
const promises = (code: string) =>
  [...code.matchAll(/console\.log\(.*\);? *\/\/ ([\d[{'"].*|[^a-z\n]+)$/gm)].map(
    ([, text]) => text,
  );

const seconds = 10;

/** Runs a program from the repository's root, and tells how that ended. */
const run = (file: string) =>
  new Promise<{ ended: string; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: root, timeout: seconds * 1000 };
    execFile(process.execPath, [file], options, (error, stdout, stderr) => {
      const ended = error?.killed ? `not within ${seconds} s` : `with ${error?.code ?? 0}`;
      resolve({ ended, stdout, stderr });
    });
  });

for (const document of documents) {
  for (const { line, code, output } of samples(document)) {
    test(
      `${document}:${line} runs and prints what it says`,
      async () => {
        const file = join(directory, `${document.replaceAll('/', '-')}-${line}.mjs`);
        writeFileSync(file, code);
        const ran = await run(file);
        expect(ran).toEqual({ ended: 'with 0', stdout: ran.stdout, stderr: '' });
        if (output !== undefined) expect(ran.stdout).toBe(output);
        for (const promised of promises(code)) expect(ran.stdout.split('\n')).toContain(promised);
      },
      2_000 * seconds,
    );
  }
}

test('there are samples to run', () => {
  expect(samples('README.md').length).toBeGreaterThan(0);
});
