import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { LoadResult } from '../../examples/gateway/demo/load-protocol.js';
import { isKept } from '../../examples/gateway/demo/report.js';

const good: LoadResult = {
  events: 10,
  answered: 10,
  errors: 0,
  missing: 0,
  elapsed: 1000,
  latency: { p50: 1, p99: 2, p999: 3 },
};

test.each([
  ['every answered id was found', {}, true],
  ['one answered id is missing', { missing: 1 }, false],
  ['a command got an error', { errors: 1 }, false],
  ['nothing was answered', { events: 0, answered: 0 }, false],
])('the demo’s verdict when %s', (_, difference, kept) => {
  expect(isKept({ ...good, ...difference })).toBe(kept);
});

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs the whole demo, for a second; `nodeOptions` reach each of its processes. */
const demonstrate = (nodeOptions: string) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const args = [file('../../examples/gateway/demo.js'), '--seconds', '1'];
    const env = { ...process.env, NODE_OPTIONS: nodeOptions };
    execFile(process.execPath, args, { env, timeout: 90_000 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr });
    });
  });

test.each([
  ['every answered id is there', '', 0, 0],
  ['one answered id is missing', `--import ${file('./forget-an-entry.js')}`, 1, 1],
])(
  'the demo ends as it found: %s',
  async (_, nodeOptions, missing, code) => {
    const ended = await demonstrate(nodeOptions);
    const verdict = /^[\d,]+ ids answered, (\d+) missing, (\d+) errors$/m.exec(ended.stdout);
    expect({ ...ended, found: verdict?.slice(1) }).toMatchObject({
      code,
      found: [`${missing}`, '0'],
    });
  },
  120_000,
);
