import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const report = `import('#dist/native/binding.js').then(
  () => console.log('loaded'),
  (error) => console.log(JSON.stringify({
    code: error.code, message: error.message, attempts: error.cause.errors.map(String),
  })),
)`;

async function importWith(native: string): Promise<string> {
  const env = { ...process.env, MILLRACE_NATIVE: native };
  const child = promisify(execFile)(process.execPath, ['-e', report], { env });
  return (await child).stdout.trim();
}

test('a set MILLRACE_NATIVE is the only file tried, and the error says what happened to it', async () => {
  const error = JSON.parse(await importWith('/nowhere/millrace.node'));
  expect(error.code).toBe('ERR_MILLRACE_NATIVE_MISSING');
  expect(error.attempts).toHaveLength(1);
  expect(error.attempts[0]).toContain('/nowhere/millrace.node');
  expect(error.message).toContain(`${process.platform}-${process.arch}`);
  expect(error.message).toContain('@millrace/prebuilt');
});

test('without an override the development build of a checkout is loaded', async () => {
  expect(await importWith('')).toBe('loaded');
});
