import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../examples/exchange/main.js', import.meta.url));

/** How a program ended, and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The exchange in a process of its own, with a directory of its own for its files. */
export class ExchangeProcess implements AsyncDisposable {
  readonly port: Promise<number>;
  readonly ended: Promise<Ended>;
  readonly data: string;
  #child: ChildProcess;

  private constructor(data: string, args: readonly string[]) {
    this.data = data;
    // An exchange that hangs ends before its test's time is up, so that the test can clean up.
    const limits = { timeout: 45_000, killSignal: 'SIGKILL' } as const;
    const child = spawn(process.execPath, [main, '--data', data, ...args], limits);
    this.#child = child;
    const said = { stdout: '', stderr: '' };
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said.stderr += text;
    });
    this.ended = once(child, 'close').then(([code]) => ({ code, ...said }));
    this.port = new Promise((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        said.stdout += text;
        const [, port] = /orders on .*:(\d+),/.exec(said.stdout) ?? [];
        if (port !== undefined) resolve(Number(port));
      });
      this.ended.then(({ stderr }) => reject(new Error(`the exchange ended: ${stderr}`)), reject);
    });
    this.port.catch(() => {});
  }

  static async start(...args: readonly string[]): Promise<ExchangeProcess> {
    return new ExchangeProcess(await mkdtemp(join(tmpdir(), 'exchange-')), [
      '--port',
      '0',
      ...args,
    ]);
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Directories of its sessions. */
  async sessions(): Promise<string[]> {
    return (await readdir(this.data)).map((name) => join(this.data, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
    await rm(this.data, { recursive: true, force: true });
  }
}
