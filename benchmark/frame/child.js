import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onCore } from './native.js';

/**
 * A fresh process: nothing that an earlier run has warmed, compiled or allocated is in it. Its
 * standard error is ours; it dies with us.
 */
export class Child {
  #process;
  #lines;
  #ended;

  /**
   * @param {readonly string[]} command program and arguments
   * @param {{ core?: number | null, ipc?: boolean, output?: 'pipe' | 'ignore', env?: Record<string, string> }} [options]
   */
  constructor(command, { core = null, ipc = false, output = 'pipe', env = {} } = {}) {
    const [program, ...programArguments] = onCore(core, command);
    this.#process = spawn(program, programArguments, {
      stdio: ['ignore', output, 'inherit', ...(ipc ? ['ipc'] : [])],
      env: { ...process.env, ...env },
    });
    if (output === 'pipe') {
      this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.#ended.catch(() => {});
    LIVING.add(this.#process);
    this.#process.once('close', () => LIVING.delete(this.#process));
    this.name = command.slice(0, 3).join(' ');
  }

  get pid() {
    return this.#process.pid;
  }

  /** The next line it prints, as the JSON it is. */
  async line() {
    const { value, done } = await this.#lines.next();
    if (done) {
      const { code, signal } = await this.#ended;
      throw new Error(`${this.name} ended (${signal ?? code}) without what it should have printed`);
    }
    return JSON.parse(value);
  }

  /** Asks a Node child, which answers through `answer` of `asked.js`. */
  async ask(question) {
    const ended = this.#ended.then(({ code, signal }) => {
      throw new Error(`${this.name} ended (${signal ?? code}) when asked for ${question}`);
    });
    ended.catch(() => {});
    const answered = once(this.#process, 'message');
    this.#process.send(question);
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  }

  /** Throws when it has ended already. */
  mustLive() {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) {
      throw new Error(`${this.name} ended with ${signalCode ?? exitCode}`);
    }
  }

  /** Resolves when it has ended by itself; rejects when not with code 0. */
  async end() {
    const { code, signal } = await this.#ended;
    if (code !== 0) {
      throw new Error(`${this.name} ended with ${signal ?? code}`);
    }
  }

  /** Ends it: asked first, after `patience` milliseconds forced. */
  async stop(patience = 5_000) {
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), patience);
    await this.#ended;
    clearTimeout(force);
  }
}

const LIVING = new Set();
process.once('exit', () => {
  for (const child of LIVING) {
    child.kill('SIGKILL');
  }
});
