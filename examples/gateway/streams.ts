import type { StreamName } from './commands/command.js';
import { BinaryArray, TYPES } from './database/binary-array.js';
import { type Database, firstCell } from './database/database.js';
import { FIND_STREAMS, LAST_STREAM } from './database/statements.js';
import { readId, type StreamId, ZERO_ID } from './stream-id.js';

/** A stream as it is when all before it in order has been done. */
export interface Stream {
  readonly name: StreamName;
  /** What rows refer to it by; 0 while it has none, because it does not exist. */
  number: number;
  last: StreamId;
  /** Entries up to and with `countedTo`, which no later entry changes; see XLEN. */
  counted: number;
  countedTo: StreamId;
}

/** So many are remembered between batches; the database knows the others. */
const MOST_REMEMBERED = 100_000;

/**
 * The streams and their last ids, remembered so that a batch of entries does not have to ask.
 *
 * The gateway is the only writer, so what it remembers is what the database has: until an outcome
 * is not known. Then all is forgotten, and read again.
 */
export class Streams {
  readonly #database: Database;
  readonly #known = new Map<StreamName, Stream>();
  #lastNumber = 0;
  #generation = -1;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes sure that {@link get} knows all these. */
  async load(names: Iterable<StreamName>, timeout: number): Promise<void> {
    if (!this.current) await this.#begin(timeout);
    const missing = new Set<StreamName>();
    for (const name of names) if (!this.#known.has(name)) missing.add(name);
    if (missing.size === 0) return;

    const wanted = new BinaryArray(TYPES.bytea);
    for (const name of missing) wanted.append(Buffer.from(name, 'latin1'));
    const rows = await this.#database.execute(FIND_STREAMS, [wanted.finish()], timeout);
    for (const name of missing) this.#known.set(name, absent(name));
    for (const [name, number, last] of rows) {
      const stream = this.get((name as Buffer).toString('latin1'));
      stream.number = (number as Buffer).readInt32BE();
      if (last) stream.last = readId(last);
    }
  }

  /** A stream that was loaded. */
  get(name: StreamName): Stream {
    const stream = this.#known.get(name);
    if (stream === undefined) throw new Error(`stream ${name} was not loaded`);
    return stream;
  }

  /** Gives a stream that does not exist its number. */
  make(stream: Stream): void {
    stream.number = ++this.#lastNumber;
  }

  /** Whether what is known is of the database's present connection. */
  get current(): boolean {
    return this.#generation === this.#database.generation;
  }

  /** Forgets what may not be so. */
  forget(): void {
    this.#generation = -1;
    this.#known.clear();
  }

  /** Keeps memory bounded; to be called when no stream is in use. */
  trim(): void {
    if (this.#known.size > MOST_REMEMBERED) this.#known.clear();
  }

  async #begin(timeout: number): Promise<void> {
    this.forget();
    const generation = this.#database.generation;
    const rows = await this.#database.execute(LAST_STREAM, [], timeout);
    this.#lastNumber = firstCell(rows).readInt32BE();
    this.#generation = generation;
  }
}

function absent(name: StreamName): Stream {
  return { name, number: 0, last: ZERO_ID, counted: 0, countedTo: ZERO_ID };
}

/** A stream's number as a parameter. */
export function numberBytes(stream: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(stream);
  return bytes;
}
