import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../examples/gateway/main.js', import.meta.url));

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

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    return this.exited;
  }

  /** Sends a signal, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    if (this.pid !== 0) process.kill(this.pid, signal);
    else this.child.kill(signal);
  }
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
