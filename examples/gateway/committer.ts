import { resp } from 'millrace';
import type { Append, Command, Range, StreamName } from './commands/command.js';
import { printable } from './commands/errors.js';
import { type Database, DatabaseAway, DatabaseRefused } from './database/database.js';
import { ReplyTooLong } from './entries-reply.js';
import { Keys } from './keys.js';
import { log } from './log.js';
import { NewRows } from './new-rows.js';
import { nextId } from './next-id.js';
import { READ_FIRST, type ReadFlights } from './read-flights.js';
import { countEntries, type ReadPoint, readEntries } from './reader.js';
import { formatId, type StreamId } from './stream-id.js';
import { type Stream, Streams } from './streams.js';

/** A command, and where its answer goes. */
export interface Waiting {
  readonly command: Command;
  readonly token: number;
  readonly connection: number;
  /** When it came, in milliseconds of `performance.now()`. */
  readonly since: number;
}

/** Sends an answer, which is one encoded RESP value. */
export type Reply = (token: number, payload: string | Buffer) => void;

/** After a reply of so many bytes other things get their turn: it took its time. */
const LONG_REPLY = 1 << 20;

/** Says that the outcome is not known: the command may be sent again, safely with `_key`. */
export function tryAgain(reason: string): string | Buffer {
  return resp.error(`TRYAGAIN ${printable(reason)}`);
}

/**
 * Does a batch of commands as if one came after the other, with one INSERT for all entries.
 *
 * Ids are given in order before anything is written. A read is noted with the last id its stream
 * has at that point, and runs after the INSERT up to that id. So it sees what came before it, on
 * every connection, and nothing that came later; and reads do not cut batches of writes in pieces.
 */
export class Committer {
  readonly #database: Database;
  readonly #reply: Reply;
  readonly #flights: ReadFlights;
  readonly #streams: Streams;
  readonly #rows = new NewRows();

  constructor(database: Database, reply: Reply, flights: ReadFlights) {
    this.#database = database;
    this.#reply = reply;
    this.#flights = flights;
    this.#streams = new Streams(database);
  }

  /**
   * Does the commands and answers every one of them. It does not throw.
   *
   * @param timeout Milliseconds for each statement.
   * @returns The number of entries committed.
   */
  async run(batch: readonly Waiting[], timeout: number): Promise<number> {
    try {
      return await this.#attempt(batch, timeout);
    } catch (error) {
      this.#streams.forget();
      if (!(error instanceof DatabaseRefused)) return this.#giveUp(batch, error);
    }
    // Nothing of the batch is left in the database. Somebody else may have written to its tables;
    // with what is there now, the same commands can succeed.
    try {
      return await this.#attempt(batch, timeout);
    } catch (error) {
      this.#streams.forget();
      return this.#giveUp(batch, error);
    }
  }

  #giveUp(batch: readonly Waiting[], error: unknown): number {
    const foreseen = error instanceof DatabaseRefused || error instanceof DatabaseAway;
    if (!foreseen) log(String((error as Error).stack));
    this.answerAll(batch, failure(error));
    return 0;
  }

  /** Gives all of them the same answer. */
  answerAll(batch: readonly Waiting[], payload: string | Buffer): void {
    for (const waiting of batch) {
      if (waiting.command.kind === 'append') this.#reply(waiting.token, payload);
      else this.#answerRead(waiting, payload);
    }
  }

  #answerRead({ connection, token }: Waiting, payload: string | Buffer): void {
    this.#flights.end(connection, payload.length);
    this.#reply(token, payload);
  }

  async #attempt(batch: readonly Waiting[], timeout: number): Promise<number> {
    await this.#streams.load(streamsOf(batch), timeout);
    const appends = keyed(batch);
    const keys = await Keys.find(appends, this.#streams, this.#database, timeout);
    this.#rows.clear();
    const now = Date.now();
    // Per command, what is known before the INSERT: an answer, or the point where a read stands.
    const outcomes = batch.map(({ command }) =>
      command.kind === 'append'
        ? this.#append(command, keys, now)
        : this.#readPoint(command.stream),
    );
    if (this.#rows.length > 0) {
      // Ids were given by what an earlier connection read; others may have written since.
      if (!this.#streams.current) throw new DatabaseAway('the connection to the database was lost');
      await this.#rows.insert(this.#database, timeout);
    }
    for (const [i, waiting] of batch.entries()) {
      const outcome = outcomes[i] as string | Buffer | ReadPoint;
      if (typeof outcome === 'string' || Buffer.isBuffer(outcome)) {
        this.#reply(waiting.token, outcome);
      } else {
        const payload = await this.#read(waiting, outcome, timeout);
        this.#answerRead(waiting, payload);
        if (payload.length > LONG_REPLY) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#streams.trim();
    return this.#rows.length;
  }

  /** Gives an entry its id and its row; what is returned is the answer after the commit. */
  #append(command: Append, keys: Keys, now: number): string | Buffer {
    const stored = keys.get(command);
    if (stored !== undefined) return resp.bulk(formatId(stored));
    const stream = this.#streams.get(command.stream);
    if (stream.number === 0 && !command.makeStream) return resp.nil();
    const id = nextId(command.id, stream.last, now);
    if (typeof id === 'string') return resp.error(id);
    this.#store(stream, id, command);
    keys.set(command, id);
    return resp.bulk(formatId(id));
  }

  #store(stream: Stream, id: StreamId, { payload, key }: Append): void {
    if (stream.number === 0) {
      this.#streams.make(stream);
      this.#rows.addStream(stream);
    }
    stream.last = id;
    this.#rows.add(stream, id, payload, key);
  }

  #readPoint(name: StreamName): ReadPoint {
    const stream = this.#streams.get(name);
    return { stream, exists: stream.number !== 0, last: stream.last };
  }

  /** A read that fails is answered by itself: what was written is committed and answered by then. */
  async #read(
    { command, connection }: Waiting,
    point: ReadPoint,
    timeout: number,
  ): Promise<string | Buffer> {
    try {
      if (command.kind === 'length') {
        return resp.integer(await countEntries(command, point, this.#database, timeout));
      }
      if (!this.#flights.admits(connection)) return resp.error(READ_FIRST);
      return await readEntries(command as Range, point, this.#database, timeout);
    } catch (error) {
      if (!(error instanceof ReplyTooLong)) this.#streams.forget();
      return failure(error);
    }
  }
}

/** What a client is told: whether the outcome is known, and the reason. */
function failure(error: unknown): string | Buffer {
  const { message } = error as Error;
  if (error instanceof ReplyTooLong) return resp.error(`ERR ${message}`);
  if (error instanceof DatabaseRefused) {
    return resp.error(`ERR the database refused: ${printable(message)}`);
  }
  return tryAgain(message);
}

function streamsOf(batch: readonly Waiting[]): Set<StreamName> {
  const names = new Set<StreamName>();
  for (const { command } of batch) names.add(command.stream);
  return names;
}

function keyed(batch: readonly Waiting[]): Append[] {
  const found: Append[] = [];
  for (const { command } of batch) {
    if (command.kind === 'append' && command.key !== undefined) found.push(command);
  }
  return found;
}
