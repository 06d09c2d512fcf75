import type { Append } from './commands/command.js';
import { BinaryArray, TYPES } from './database/binary-array.js';
import type { Database } from './database/database.js';
import { FIND_KEYS } from './database/statements.js';
import { readId, type StreamId } from './stream-id.js';
import type { Streams } from './streams.js';

/** The ids that the keys of one batch have: stored before, or given earlier in the batch. */
export class Keys {
  readonly #ids = new Map<string, StreamId>();

  /** Looks up which keys of these commands are stored already. */
  static async find(
    appends: readonly Append[],
    streams: Streams,
    database: Database,
    timeout: number,
  ): Promise<Keys> {
    const keys = new Keys();
    const stored = appends.filter(({ key, stream }) => key && streams.get(stream).number !== 0);
    if (stored.length === 0) return keys;
    const numbers = new BinaryArray(TYPES.int4);
    const wanted = new BinaryArray(TYPES.bytea);
    for (const { key, stream } of stored) {
      numbers.appendInteger(streams.get(stream).number);
      wanted.append(key as Buffer);
    }
    const rows = await database.execute(FIND_KEYS, [numbers.finish(), wanted.finish()], timeout);
    for (const [i, [id]] of rows.entries()) if (id) keys.set(stored[i] as Append, readId(id));
    return keys;
  }

  /** The id of the entry that has this command's key. */
  get(append: Append): StreamId | undefined {
    return append.key === undefined ? undefined : this.#ids.get(nameOf(append));
  }

  /** Remembers that an entry with this command's key has this id. */
  set(append: Append, id: StreamId): void {
    if (append.key !== undefined) this.#ids.set(nameOf(append), id);
  }
}

/** A digest has a fixed length, so the two parts cannot run into each other. */
function nameOf({ stream, key }: Append): string {
  return (key as Buffer).toString('latin1') + stream;
}
