import { PGlite } from '@electric-sql/pglite';
import {
  type Cell,
  type Database,
  DatabaseAway,
  DatabaseRefused,
  StartRefused,
  type Statement,
} from './database.js';
import { FLUSHING_SETTINGS, flushFiles } from './flushed-files.js';
import { prepareSchema } from './schema.js';
import { RequestWriter, readResponse } from './wire.js';

/** A checkpoint is due when so much was sent; the log is then two to three times as long. */
const CHECKPOINT_BYTES = 32 << 20;
/** Transaction numbers are 32 bits and wrap; old rows are frozen well before that. */
const FREEZE_AGE = 500_000_000;

/**
 * `shared_buffers` is memory of this process: 32 MiB hold the index pages that appends touch.
 * `full_page_writes` stays on: SIGKILL can end a write between two 4 KiB pages of one 8 KiB block.
 */
const SETTINGS = [
  'shared_buffers=32MB',
  'wal_buffers=4MB',
  'min_wal_size=64MB',
  'max_wal_size=128MB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'track_activities=off',
  'track_counts=off',
];

/**
 * PostgreSQL compiled to WebAssembly, in this thread: a statement runs where it is called, and has
 * been committed when the call returns.
 *
 * It is spoken to in its own protocol, which costs this thread a fifth of what `query` does.
 */
export class EmbeddedDatabase implements Database {
  readonly generation = 1;
  readonly #database: PGlite;
  readonly #requests = new RequestWriter();
  readonly #prepared = new Set<string>();
  #sinceCheckpoint = 0;
  #maintenance: NodeJS.Immediate | undefined;
  #failure: DatabaseAway | undefined;

  private constructor(database: PGlite) {
    this.#database = database;
  }

  /**
   * Opens a database that was initialised before.
   *
   * @param directory PostgreSQL's data directory.
   * @param flush Whether a commit survives power loss.
   * @throws {@link StartRefused} when its tables are of another version.
   */
  static async open(directory: string, flush: boolean): Promise<EmbeddedDatabase> {
    const settings = flush ? [...SETTINGS, ...FLUSHING_SETTINGS] : SETTINGS;
    const defaults = PGlite.defaultStartParams.filter((parameter) => !flush || parameter !== '-F');
    const startParams = [...defaults, ...settings.flatMap((setting) => ['-c', setting])];
    const database = await PGlite.create(directory, { startParams }).catch((cause: Error) => {
      throw new StartRefused(`cannot open the database in ${directory}: ${cause.message}`, {
        cause,
      });
    });
    if (flush) flushFiles(database);
    const opened = new EmbeddedDatabase(database);
    try {
      await prepareSchema({
        script: (text) => database.exec(text),
        number: async (statement) => opened.#run(statement, [])[0]?.[0]?.readInt32BE(),
      });
    } catch (error) {
      await database.close();
      throw error;
    }
    return opened;
  }

  get available(): boolean {
    return this.#failure === undefined;
  }

  async whenAvailable(): Promise<void> {
    // A database that failed inside this process does not come back in it.
    if (this.#failure !== undefined) await new Promise<never>(() => {});
  }

  async execute(statement: Statement, parameters: readonly Cell[]): Promise<Cell[][]> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#run(statement, parameters);
    } catch (cause) {
      if (cause instanceof DatabaseRefused) throw cause;
      this.#failure = new DatabaseAway('the embedded database failed', { cause });
      throw this.#failure;
    }
  }

  async close(): Promise<void> {
    clearImmediate(this.#maintenance);
    if (!this.#database.closed) await this.#database.close();
  }

  #run(statement: Statement, parameters: readonly Cell[]): Cell[][] {
    if (!this.#prepared.has(statement.name)) {
      readResponse(this.#send(this.#requests.prepare(statement)));
      this.#prepared.add(statement.name);
    }
    const request = this.#requests.run(statement, parameters);
    this.#noteBytes(request.length);
    return readResponse(this.#send(request));
  }

  /** Sends a request and gives the response. All of it happens before the call returns. */
  #send(request: Buffer): Buffer {
    const parts: Buffer[] = [];
    void this.#database
      .execProtocolRawStream(request, {
        syncToFs: false,
        // What is given is the database's own memory, good until it goes on.
        onRawData: (bytes) => parts.push(Buffer.from(bytes)),
      })
      .catch((cause: unknown) => {
        this.#failure ??= new DatabaseAway('the embedded database failed', { cause });
      });
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /**
   * PostgreSQL leaves checkpoints and vacuum to processes of its own, which the embedded one has
   * not: without a checkpoint its log would grow for ever. It is made between two batches.
   */
  #noteBytes(bytes: number): void {
    this.#sinceCheckpoint += bytes;
    if (this.#sinceCheckpoint < CHECKPOINT_BYTES || this.#maintenance !== undefined) return;
    this.#maintenance = setImmediate(() => {
      this.#maintenance = undefined;
      this.#sinceCheckpoint = 0;
      try {
        this.#maintain();
      } catch (cause) {
        this.#failure ??= new DatabaseAway('the embedded database failed', { cause });
      }
    });
  }

  #maintain(): void {
    this.#run(CHECKPOINT, []);
    const age = this.#run(READ_AGE, [])[0]?.[0]?.readInt32BE() ?? 0;
    if (age > FREEZE_AGE) this.#run(FREEZE, []);
  }
}

const CHECKPOINT: Statement = { name: 'checkpoint', text: 'CHECKPOINT' };
const FREEZE: Statement = { name: 'freeze', text: 'VACUUM (FREEZE)' };
const READ_AGE: Statement = {
  name: 'age',
  text: `
    SELECT int4send(age(datfrozenxid)) FROM pg_database WHERE datname = current_database()`,
};
