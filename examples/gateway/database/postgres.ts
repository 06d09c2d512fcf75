import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  type Cell,
  type Database,
  DatabaseAway,
  DatabaseRefused,
  StartRefused,
  type Statement,
} from './database.js';
import { prepareSchema } from './schema.js';

/** One gateway writes to a database: it holds this advisory lock as long as it is connected. */
const LOCK_KEY = 0x6d696c6c72616365n; // 'millrace'
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;
const CONNECT_TIMEOUT = 3000;
/** So long a server may take to notice that the gateway before this one is dead. */
const LOCK_PATIENCE = 5000;

/** Errors that waiting does not mend: wrong password, no such database, no right to it. */
const HOPELESS = /^(28|3D|42501)/;
/** Errors of a server that goes down or comes up, and of a connection it ended. */
const AWAY = /^(08|57P)/;

/** Hears of the database coming and going. */
export interface PostgresEvents {
  connected(): void;
  lost(reason: string): void;
}

/**
 * A PostgreSQL server, through one connection that is made again whenever it breaks.
 *
 * The advisory lock belongs to the connection. So the new one has it only after the old one is
 * known to the server as ended, with whatever it was still committing: what is read then is final.
 */
export class PostgresDatabase implements Database {
  readonly #url: string;
  readonly #events: PostgresEvents;
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  /** One that is not ready yet. */
  #connecting: pg.Client | undefined;
  #generation = 0;
  #waiting: (() => void)[] = [];

  private constructor(url: string, events: PostgresEvents) {
    this.#url = url;
    this.#events = events;
  }

  /**
   * Connects. A server that is not there yet is waited for in the background.
   *
   * @throws {@link StartRefused} when another gateway writes to this database, when its tables are
   * of another version, or when the server refuses for good.
   */
  static async open(url: string, events: PostgresEvents): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(url, events);
    const since = performance.now();
    for (;;) {
      try {
        await database.#connect();
        return database;
      } catch (error) {
        const locked = error instanceof LockTaken && performance.now() - since < LOCK_PATIENCE;
        const refused = refusalOf(error);
        if (refused !== undefined && !locked) throw refused;
        if (!locked) {
          events.lost((error as Error).message);
          void database.#reconnect();
          return database;
        }
      }
      await sleep(FIRST_PAUSE);
    }
  }

  get available(): boolean {
    return this.#client !== undefined;
  }

  get generation(): number {
    return this.#generation;
  }

  async whenAvailable(): Promise<void> {
    if (this.#client !== undefined) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async execute(
    statement: Statement,
    parameters: readonly Cell[],
    timeout: number,
  ): Promise<Cell[][]> {
    const client = this.#client;
    if (client === undefined) throw new DatabaseAway('there is no connection to the database');
    const { name, text } = statement;
    const answered = client.query<Cell[]>({
      name,
      text,
      values: [...parameters],
      rowMode: 'array',
    });
    try {
      return (await withTimeout(answered, timeout)).rows;
    } catch (cause) {
      const { code = '', message } = cause as pg.DatabaseError;
      // A server names five characters; Node's own codes, and none at all, mean a broken connection.
      if (/^[0-9A-Z]{5}$/.test(code) && !AWAY.test(code)) {
        throw new DatabaseRefused(message, code, { cause });
      }
      this.#lose(client, message);
      throw new DatabaseAway(message, { cause });
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    if (this.#connecting !== undefined) abandon(this.#connecting);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      keepAlive: true,
      application_name: 'millrace-gateway',
    });
    client.on('error', (error) => this.#lose(client, error.message));
    client.on('end', () => this.#lose(client, 'the connection ended'));
    this.#connecting = client;
    try {
      await client.connect();
      await withTimeout(prepare(client), CONNECT_TIMEOUT);
      this.#closed.signal.throwIfAborted();
    } catch (error) {
      abandon(client);
      throw error;
    } finally {
      this.#connecting = undefined;
    }
    this.#client = client;
    this.#generation++;
    this.#events.connected();
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #lose(client: pg.Client, reason: string): void {
    if (this.#client !== client || this.#closed.signal.aborted) return;
    this.#client = undefined;
    abandon(client);
    this.#events.lost(reason);
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closed;
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        return await this.#connect();
      } catch {
        // An end in the meantime is looked at by the loop.
        await sleep(pause, undefined, { signal }).catch(() => {});
      }
    }
  }
}

/** Another connection has the advisory lock. */
class LockTaken extends Error {}

/** Makes a fresh connection the one that writes, and the tables what they are to be. */
async function prepare(client: pg.Client): Promise<void> {
  const locked = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1) AS locked',
    [LOCK_KEY],
  );
  if (locked.rows[0]?.locked !== true) {
    throw new LockTaken(
      'another gateway writes to this database: stop that one, or set DATABASE_URL to another database',
    );
  }
  await prepareSchema({
    script: (text) => client.query(text),
    number: async ({ text }) => {
      const { rows } = await client.query<Buffer[]>({ text, rowMode: 'array' });
      return rows[0]?.[0]?.readInt32BE();
    },
  });
}

/** The reason not to try again, if there is one. */
function refusalOf(error: unknown): StartRefused | undefined {
  if (error instanceof StartRefused) return error;
  const { message, code = '' } = error as pg.DatabaseError;
  if (error instanceof LockTaken) return new StartRefused(message, { cause: error });
  if (!HOPELESS.test(code)) return undefined;
  return new StartRefused(`the database refused: ${message}`, { cause: error });
}

/** Ends a connection without waiting for the other side, which may be why it is ended. */
function abandon(client: pg.Client): void {
  client.on('error', () => {});
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
    .connection;
  stream.destroy();
}

async function withTimeout<T>(work: Promise<T>, timeout: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const give = (): void => reject(new Error(`the database did not answer within ${timeout} ms`));
    timer = setTimeout(give, timeout);
  });
  // Its end comes too late for anybody once the time has passed.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
