import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { binding, type ListenerSettings } from '../native/binding.js';
import { checkTimeout } from '../operation.js';
import { call, environment } from '../park/environment.js';
import { nativeError } from '../ring/native-error.js';
import { Inbox } from './inbox.js';
import { type ListenOptions, listenerSettings } from './listen-options.js';
import { Listener } from './listener.js';
import { type ReactorStatistics, reactorStatistics } from './statistics.js';

/** How a reactor runs. */
export interface ReactorOptions {
  /** `'auto'` (default) takes the best this system has; `'epoll'`, `'kqueue'` and `'iocp'` insist. */
  readonly engine?: 'auto' | 'epoll' | 'kqueue' | 'iocp';
  /** Native threads; one, for the time being. */
  readonly threads?: 1;
  /** The native thread's name; the kernel shows the first 15 bytes. */
  readonly name?: string;
  /** Microseconds the thread looks for work before it sleeps, after a turn that had some; default 20. */
  readonly spin?: number;
}

/**
 * A native thread that does the I/O of any number of listeners and turns it into messages.
 *
 * Holds no event loop by itself; its listeners do.
 *
 * @example
 * await using reactor = Reactor.create();
 * const listener = await reactor.listen({ port: 6390, framing: framing.resp() });
 */
export class Reactor {
  readonly #number: number;
  readonly #listeners = new Set<Listener>();
  #open = true;
  #closing = false;
  #closed: Promise<void> | undefined;
  #totals = reactorStatistics('', {});

  private constructor(number: number) {
    this.#number = number;
  }

  /**
   * Starts a reactor. It ends by {@link close}, or with this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, also for an engine that this system does not have.
   */
  static create(options: ReactorOptions = {}): Reactor {
    const { engine = 'auto', threads = 1, name = 'millrace-reactor', spin = 20 } = options;
    if (!Number.isInteger(spin) || spin < 0 || spin > 1_000_000) {
      throw invalidArgument('spin', spin, 'microseconds from 0 to 1000000');
    }
    if (threads !== 1) throw invalidArgument('threads', threads, '1');
    if (typeof name !== 'string' || name === '' || name.includes('\0')) {
      throw invalidArgument('name', name, 'some text');
    }
    const number = createNative(name, spin);
    const runs = binding.reactorTotals(number).engine;
    if (engine !== 'auto' && engine !== runs) {
      binding.endReactor(number);
      throw invalidArgument('engine', engine, `'auto' or '${runs}', which this system has`);
    }
    return new Reactor(number);
  }

  /**
   * Opens a listener.
   *
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`, or the system's error in Node's shape: `EADDRINUSE`.
   */
  async listen(options: ListenOptions): Promise<Listener> {
    this.#checkOpen();
    const settings = listenerSettings(options);
    const inbox = new Inbox(settings.maxFrame);
    try {
      return await this.#listen(settings, inbox);
    } catch (error) {
      inbox.close();
      throw error;
    }
  }

  async #listen(settings: ListenerSettings, inbox: Inbox): Promise<Listener> {
    const { host, port, maxFrame } = settings;
    const place = { syscall: 'listen', address: host, port, hint: hints };
    const { numbers, text } = await call(
      (number) => binding.listen(environment, number, this.#number, settings, inbox.native),
      place,
    );
    const [number = 0, real = port] = numbers;
    const onClosed = () => this.#listeners.delete(opened);
    const opened = Listener.opened({
      number,
      host: text ?? host,
      port: real,
      inbox,
      maxFrame,
      onClosed,
    });
    this.#listeners.add(opened);
    return opened;
  }

  /** Totals since it was made, cheap and exact; after its end the last ones. */
  stats(): ReactorStatistics {
    if (!this.#open) return this.#totals;
    const { engine, totals } = binding.reactorTotals(this.#number);
    return reactorStatistics(engine, totals);
  }

  /**
   * Ends its listeners at once (with a `timeout`, in good order within it), and then its thread.
   *
   * @param options `timeout`: milliseconds, see `listener.drain`.
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  async close(options: { readonly timeout?: number } = {}): Promise<void> {
    checkTimeout(options.timeout);
    this.#closed ??= this.#end(options);
    return this.#closed;
  }

  async #end(options: { readonly timeout?: number }): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#listeners].map((listener) => listener.close(options)));
    this.#totals = this.stats();
    this.#open = false;
    binding.endReactor(this.#number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#closing) throw new MillraceError('ERR_MILLRACE_CLOSED', 'this reactor is closed');
  }

  [inspect.custom](): string {
    if (!this.#open) return 'Reactor { closed }';
    const { engine, connections } = this.stats();
    return `Reactor { engine: '${engine}', listeners: ${this.#listeners.size}, connections: ${connections} }`;
  }
}

function createNative(name: string, spin: number): number {
  try {
    return binding.createReactor(environment, name, spin);
  } catch (cause) {
    throw nativeError(cause, 'a reactor');
  }
}

const hints = {
  EADDRINUSE: 'another program listens there; stop it or choose another port',
  EACCES: 'ports below 1024 need a privilege; choose another port',
  EADDRNOTAVAIL: 'this machine has no such address',
};
