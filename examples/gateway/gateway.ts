import { lookup } from 'node:dns/promises';
import { framing, type Listener, native, Reactor, Scheduler } from 'millrace';
import { takeDataDirectory } from './database/data-directory.js';
import type { DirectoryLock } from './database/directory-lock.js';
import type { DatabaseOptions } from './database/open.js';
import { HttpServer } from './http.js';
import { log } from './log.js';
import { Metrics } from './metrics.js';
import type { GatewayOptions } from './options.js';
import { createRecords } from './pipeline.js';
import type { Phase, Status } from './status.js';
import { StoreThread } from './store-thread.js';

/** The version of Redis whose behaviour and texts the gateway follows. */
const REDIS_VERSION = '7.0.15';
const MOST_ARGUMENTS = 1 << 16;
/**
 * Of the time to drain, so much is kept for answers to reach their clients after the last command is
 * done, and as much for the parts to end after that; a quarter each when there is little.
 */
const LAST_STEP = 1000;
/** Closes that are nothing to speak of. */
const ORDINARY_REASONS = new Set(['end', 'closed', 'drained']);

/** A gateway: all its parts, started and stopped as one. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #metrics = new Metrics();
  readonly #startedAt = Date.now();
  /** What is to be undone, the last one first. */
  readonly #closing: (() => unknown)[] = [];
  #listener: Listener | undefined;
  #http: HttpServer | undefined;
  #store: StoreThread | undefined;
  /** Commands are read from clients. */
  #serving = false;
  #draining = false;
  #databaseAvailable = false;
  #databaseLost = false;
  #failed: (reason: string) => void;

  private constructor(options: GatewayOptions, failed: (reason: string) => void) {
    this.#options = options;
    this.#failed = failed;
  }

  /**
   * Starts a gateway; it serves when this resolves.
   *
   * @param failed Is called when it cannot go on.
   * @throws `StartRefused` when the database is not to be had; Node's errors of listening.
   */
  static async start(options: GatewayOptions, failed: (reason: string) => void): Promise<Gateway> {
    const gateway = new Gateway(options, failed);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      await gateway.#undo();
      throw error;
    }
  }

  /** The port for Redis clients. */
  get port(): number {
    return this.#listener?.port ?? this.#options.port;
  }

  /** The port of the pages. */
  get httpPort(): number {
    return this.#http?.port ?? this.#options.httpPort;
  }

  /** What goes on. */
  get status(): Status {
    return {
      phase: this.#phase,
      database: this.#options.databaseUrl === undefined ? 'embedded' : 'PostgreSQL server',
      redisPort: this.port,
      startedAt: this.#startedAt,
      connections: this.#listener?.stats().connections ?? 0,
      commands: this.#metrics.commands,
    };
  }

  /**
   * Accepts nothing new, finishes and answers what was accepted, and lets go of everything: within
   * the time given for it, also when the database does not do its part. Says how many connections
   * were closed because they had not taken their answers by then.
   */
  async drain(): Promise<number> {
    this.#draining = true;
    const { drain } = this.#options;
    const step = Math.min(LAST_STEP, drain / 4);
    this.#store?.drain(drain - 2 * step);
    const closed = await this.#listener?.drain({ timeout: Math.ceil(drain - step) });
    await this.#undo();
    return closed?.cut ?? 0;
  }

  async #start(): Promise<void> {
    const { port, httpPort, maxFrame, frameTimeout, maxConnections } = this.#options;
    const { address: host } = await lookup(this.#options.host);
    this.#http = await HttpServer.listen(host, httpPort, {
      status: () => this.status,
      metrics: async () => (await this.#metrics.text()) + ((await this.#store?.metrics()) ?? ''),
    });
    this.#closing.push(() => this.#http?.close());

    const reactor = Reactor.create();
    this.#closing.push(() => reactor.close());
    const listener = await reactor.listen({
      host,
      port,
      framing: framing.resp({ max: maxFrame, maxArguments: MOST_ARGUMENTS }),
      frameTimeout,
      maxConnections,
    });
    this.#listener = listener;
    this.#closing.push(() => listener.close());
    this.#metrics.watchConnections(() => listener.stats().connections);

    const lock = await this.#takeDatabase();
    this.#closing.push(() => lock?.release());
    await this.#connect(listener);
  }

  /** Puts the ring between the reactor and the store, and its stages to work. */
  async #connect(listener: Listener): Promise<void> {
    const records = createRecords(this.#options.maxFrame);
    const scheduler = Scheduler.create({ nativeWorkers: 1 });
    this.#closing.push(() => scheduler.close());
    const store = new StoreThread(
      {
        records: records.handle,
        listener: listener.handle,
        database: this.#database,
        server: {
          redisVersion: REDIS_VERSION,
          port: listener.port,
          database: this.#database.kind,
          startedAt: this.#startedAt,
        },
        commitTimeout: this.#options.commitTimeout,
      },
      {
        available: (available) => this.#setAvailable(available),
        failed: (reason) => this.#failed(reason),
      },
    );
    this.#store = store;
    const stages = [
      records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler }),
      this.#metrics.run(records),
    ];
    for (const stage of stages) stage.catch((error: Error) => this.#failed(error.message));
    // The ring's end is the stages' end. The store does what is left in it, and closes the database;
    // a digest stage that has not seen the end fails when its scheduler goes.
    this.#closing.push(async () => {
      await records.close();
      await Promise.all([store.ended, ...stages]);
    });
    await store.ready;
    listener.into(records, {
      reply: 'reply',
      connection: 'connection',
      close: (_connection, reason) => this.#closed(reason),
      error: (_connection, error) => log(`a connection failed: ${error.message}`),
    });
    this.#serving = true;
  }

  get #phase(): Phase {
    if (this.#draining) return 'draining';
    if (!this.#serving) return 'starting';
    return this.#databaseAvailable ? 'serving' : 'database-away';
  }

  get #database(): DatabaseOptions {
    const { databaseUrl: url, data: directory, fsync: flush } = this.#options;
    return url === undefined ? { kind: 'embedded', directory, flush } : { kind: 'server', url };
  }

  async #takeDatabase(): Promise<DirectoryLock | undefined> {
    const database = this.#database;
    return database.kind === 'embedded' ? takeDataDirectory(database.directory) : undefined;
  }

  #setAvailable(available: boolean): void {
    if (available && this.#databaseLost) log('the database is back');
    this.#databaseLost = !available;
    this.#databaseAvailable = available;
  }

  #closed(reason: string): void {
    this.#metrics.connectionClosed(reason);
    if (!ORDINARY_REASONS.has(reason)) log(`a connection was closed: ${reason}`);
  }

  async #undo(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}
