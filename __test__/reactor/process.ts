import { execFile } from 'node:child_process';

/** What a script, run in a process of its own, ended with. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an ES module in a process of its own, which is killed after 20 seconds. */
export function runScript(source: string): Promise<Ran> {
  const args = ['--input-type=module', '-e', source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? -1) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}
