import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../examples/gateway/main.js', import.meta.url));

/** Longer than `--drain` is unless it is given. */
const LONGEST_END = 15_000;

/** What a gateway says when it serves. */
interface Serving {
  readonly pid: number;
  readonly port: number;
  readonly httpPort: number;
}

/** A gateway in a process of its own, on free ports. */
export class GatewayProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  stderr = '';
  /** The gateway itself, which may run inside another program. */
  pid = 0;
  port = 0;
  httpPort = 0;

  constructor(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    command: readonly string[] = [],
  ) {
    const [program, ...rest] = [...command, process.execPath, MAIN, ...withFreePorts(args)];
    this.child = spawn(program as string, rest, {
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: '', ...environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
  }

  /** Starts one and waits until it serves. */
  static async start(
    args: readonly string[],
    environment?: NodeJS.ProcessEnv,
    command?: readonly string[],
  ): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(args, environment, command);
    const serving = once(gateway.child, 'message').then(([message]) => message as Serving);
    const outcome = await Promise.race([serving, gateway.exited]);
    if (typeof outcome !== 'object') throw new Error(`ended with ${outcome}: ${gateway.stderr}`);
    gateway.pid = outcome.pid;
    gateway.port = outcome.port;
    gateway.httpPort = outcome.httpPort;
    return gateway;
  }

  /**
   * Sends a signal and waits for the end. One that does not end is killed, and what it had said by
   * then is the error: a test that ran into its own limit could not tell.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    return within(LONGEST_END, this.exited).catch(async () => {
      const state = await this.#state();
      this.signal('SIGKILL');
      await this.exited;
      throw new Error(`runs ${LONGEST_END / 1000} s after ${signal}, ${state}: ${this.stderr}`);
    });
  }

  /** Ends it in good order; fails with all that it said unless the exit code is 0. */
  async drain(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const ended = await this.stop(signal);
    if (ended !== 0) throw new Error(`ended with ${ended}: ${this.stderr}`);
  }

  /** A figure of its `/metrics`. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}/metrics`);
    return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await response.text())?.[1]);
  }

  /** Resolves when so many commands, of all connections, have come. */
  async received(commands: number): Promise<void> {
    while ((await this.metric('gateway_commands_total')) < commands) {
      // Asked without a pause, it would have no time for the commands.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** What can be learned of it from outside. */
  async #state(): Promise<string> {
    const page = fetch(`http://127.0.0.1:${this.httpPort}/healthz`).then((reply) => reply.text());
    return within(2000, page).catch((error: Error) => `its pages fail (${error.message})`);
  }

  /** Sends a signal, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    if (this.pid !== 0) process.kill(this.pid, signal);
    else this.child.kill(signal);
  }
}

/** Fails when something takes longer than this. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function withFreePorts(args: readonly string[]): string[] {
  const port = args.includes('--port') ? [] : ['--port', '0'];
  const http = args.includes('--http') ? [] : ['--http', '0'];
  return [...port, ...http, ...args];
}

/** A directory that is gone when the tests of a file are done. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gateway-'));
  // A PostgreSQL server in it may run as a user of its own.
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
