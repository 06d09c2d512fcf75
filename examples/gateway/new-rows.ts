import { DIGEST_BYTES } from './commands/command.js';
import { BinaryArray, TYPES } from './database/binary-array.js';
import type { Database } from './database/database.js';
import { APPEND, APPEND_WITH_STREAMS } from './database/statements.js';
import type { StreamId } from './stream-id.js';
import type { Stream } from './streams.js';

/**
 * The rows of one batch, column by column in the form the database reads; its memory is used again
 * for the next batch.
 */
export class NewRows {
  readonly #stream = new BinaryArray(TYPES.int4);
  readonly #id = new BinaryArray(TYPES.uuid);
  readonly #fields = new BinaryArray(TYPES.bytea);
  readonly #digest = new BinaryArray(TYPES.bytea);
  readonly #key = new BinaryArray(TYPES.bytea);
  readonly #newNumber = new BinaryArray(TYPES.int4);
  readonly #newName = new BinaryArray(TYPES.bytea);

  /** Entries added since {@link clear}. */
  get length(): number {
    return this.#stream.length;
  }

  /** Begins the next batch. */
  clear(): void {
    for (const column of this.#columns()) column.clear();
  }

  /** Adds a stream that the entries after it may belong to. */
  addStream(stream: Stream): void {
    this.#newNumber.appendInteger(stream.number);
    this.#newName.append(Buffer.from(stream.name, 'latin1'));
  }

  /** Adds an entry; `payload` is the digest and then the fields. */
  add(stream: Stream, id: StreamId, payload: Buffer, key: Buffer | undefined): void {
    this.#stream.appendInteger(stream.number);
    this.#id.appendPair(id.ms, id.seq);
    this.#digest.append(payload, 0, DIGEST_BYTES);
    this.#fields.append(payload, DIGEST_BYTES, payload.length);
    this.#key.append(key ?? null);
  }

  /** One INSERT of all of them, committed when it resolves. */
  async insert(database: Database, timeout: number): Promise<void> {
    const columns = this.#columns();
    const statement = this.#newNumber.length > 0 ? APPEND_WITH_STREAMS : APPEND;
    const used = this.#newNumber.length > 0 ? columns : columns.slice(0, 5);
    await database.execute(
      statement,
      used.map((column) => column.finish()),
      timeout,
    );
  }

  #columns(): BinaryArray[] {
    return [
      this.#stream,
      this.#id,
      this.#fields,
      this.#digest,
      this.#key,
      this.#newNumber,
      this.#newName,
    ];
  }
}
