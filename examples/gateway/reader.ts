import type { Length, Range } from './commands/command.js';
import { type Cell, type Database, firstCell } from './database/database.js';
import { COUNT, RANGE, RANGE_REVERSE } from './database/statements.js';
import { EntriesReply } from './entries-reply.js';
import { compareIds, idAfter, idBefore, idBytes, readId, type StreamId } from './stream-id.js';
import { numberBytes, type Stream } from './streams.js';

/** Rows are fetched in pages, so that a long range is not twice in memory. */
const PAGE_ROWS = 5_000n;

/**
 * Where a read stands in the order of commands: it sees the entries up to `last`, and none that was
 * written after it was asked, although the rows of its whole batch are there by the time it runs.
 */
export interface ReadPoint {
  readonly stream: Stream;
  readonly exists: boolean;
  readonly last: StreamId;
}

/**
 * Counts a stream's entries. No entry comes before another that is there already, and none goes: so
 * what was counted once stays counted, and only what came since is.
 */
export async function countEntries(
  _command: Length,
  { stream, exists, last }: ReadPoint,
  database: Database,
  timeout: number,
): Promise<number> {
  if (!exists) return 0;
  if (compareIds(last, stream.countedTo) > 0) {
    const from = idAfter(stream.countedTo) as StreamId;
    const parameters = [numberBytes(stream.number), idBytes(from), idBytes(last)];
    const rows = await database.execute(COUNT, parameters, timeout);
    stream.counted += Number(firstCell(rows).readBigInt64BE());
    stream.countedTo = last;
  }
  return stream.counted;
}

/** What Redis answers to `COUNT 0` on a stream that exists: an array that is not there. */
const NO_ARRAY = '*-1\r\n';

/** Reads a range of entries into a reply; throws `ReplyTooLong`. */
export async function readEntries(
  command: Range,
  { stream, exists, last }: ReadPoint,
  database: Database,
  timeout: number,
): Promise<Buffer | string> {
  if (exists && command.count === 0) return NO_ARRAY;
  const reply = new EntriesReply();
  let { low, high } = command;
  if (compareIds(high, last) > 0) high = last;
  let left = BigInt(Math.min(command.count ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
  while (exists && left > 0n && compareIds(low, high) <= 0) {
    const limit = left < PAGE_ROWS ? left : PAGE_ROWS;
    const statement = command.reverse ? RANGE_REVERSE : RANGE;
    const parameters = [numberBytes(stream.number), idBytes(low), idBytes(high), countBytes(limit)];
    const rows = await database.execute(statement, parameters, timeout);
    reply.add(rows as [Buffer, Buffer][]);
    if (BigInt(rows.length) < limit) break;
    left -= limit;
    const next = nextEnd(rows, command.reverse);
    if (next === undefined) break;
    if (command.reverse) high = next;
    else low = next;
  }
  return reply.finish();
}

/** Where the next page begins; undefined when ids end there. */
function nextEnd(rows: readonly Cell[][], reverse: boolean): StreamId | undefined {
  const id = readId(rows.at(-1)?.[0] as Buffer);
  return reverse ? idBefore(id) : idAfter(id);
}

function countBytes(count: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(count);
  return bytes;
}
