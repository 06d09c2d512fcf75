import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a compiled program of this folder in a process of its own, and waits until it ends by itself.
 *
 * @param name Without extension.
 * @param flags For node.
 */
export function runProgram(
  name: string,
  args: string[] = [],
  flags: string[] = [],
): Promise<Ended> {
  const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return run([...flags, file, ...args]);
}

/** Runs the text of an ES module in a process of its own, which is killed after 20 seconds. */
export function runScript(source: string): Promise<Ended> {
  return run(['--input-type=module', '-e', source], 20_000);
}

function run(args: string[], timeout?: number): Promise<Ended> {
  const child = spawn(process.execPath, args, { timeout });
  const ended = { code: null, signal: null, stdout: '', stderr: '' } as Ended;
  child.stdout.on('data', (text) => {
    ended.stdout += text;
  });
  child.stderr.on('data', (text) => {
    ended.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...ended, code, signal }));
  });
}
