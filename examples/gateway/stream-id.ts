/** An id of a stream's entry: two unsigned 64-bit numbers, ordered by the first, then the second. */
export interface StreamId {
  readonly ms: bigint;
  readonly seq: bigint;
}

const MAX_PART = 0xffff_ffff_ffff_ffffn;
/** Twenty digits write every 64-bit number; Redis takes leading zeros, up to this length in all. */
const MAX_TEXT = 127;
const ID = /^(\d+)(?:-(\d+))?$/;
const ID_WITH_OPEN_SEQUENCE = /^(\d+)-\*$/;

/** What no entry can have; a stream that was never written stands here. */
export const ZERO_ID: StreamId = { ms: 0n, seq: 0n };
/** The last id there is. */
export const MAX_ID: StreamId = { ms: MAX_PART, seq: MAX_PART };

/** Negative, 0 or positive, as `a` is before, at or after `b`. */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  if (a.seq !== b.seq) return a.seq < b.seq ? -1 : 1;
  return 0;
}

let lastMs = 0n;
let lastMsText = '0';

/** The way Redis writes it: `1526919030474-55`. */
export function formatId({ ms, seq }: StreamId): string {
  // Writing out a large number is most of the work, and many ids have the same one.
  if (ms !== lastMs) {
    lastMs = ms;
    lastMsText = String(ms);
  }
  return `${lastMsText}-${seq}`;
}

/**
 * Reads `ms-seq`, or `ms` alone, which gets `missingSeq` as its sequence.
 *
 * @returns undefined when the text is no id.
 */
export function parseId(
  text: string,
  missingSeq: 'first' | 'last' = 'first',
): StreamId | undefined {
  const match = text.length <= MAX_TEXT ? ID.exec(text) : null;
  if (match === null) return undefined;
  const ms = BigInt(match[1] as string);
  const missing = missingSeq === 'first' ? 0n : MAX_PART;
  const seq = match[2] === undefined ? missing : BigInt(match[2]);
  return ms <= MAX_PART && seq <= MAX_PART ? { ms, seq } : undefined;
}

/** Reads `ms-*`, an id whose sequence the stream is to choose; undefined when the text is none. */
export function parseOpenSequence(text: string): bigint | undefined {
  const match = text.length <= MAX_TEXT ? ID_WITH_OPEN_SEQUENCE.exec(text) : null;
  if (match === null) return undefined;
  const ms = BigInt(match[1] as string);
  return ms <= MAX_PART ? ms : undefined;
}

/** The id right after this one; undefined after the last. */
export function idAfter(id: StreamId): StreamId | undefined {
  if (id.seq < MAX_PART) return { ms: id.ms, seq: id.seq + 1n };
  return id.ms < MAX_PART ? { ms: id.ms + 1n, seq: 0n } : undefined;
}

/** The id right before this one; undefined before the first. */
export function idBefore(id: StreamId): StreamId | undefined {
  if (id.seq > 0n) return { ms: id.ms, seq: id.seq - 1n };
  return id.ms > 0n ? { ms: id.ms - 1n, seq: MAX_PART } : undefined;
}

/** Bytes of {@link writeId}. */
export const ID_BYTES = 16;

/** Writes both numbers big-endian, so that bytes compare as ids do; gives the end. */
export function writeId(id: StreamId, target: Buffer, offset: number): number {
  return target.writeBigUInt64BE(id.seq, target.writeBigUInt64BE(id.ms, offset));
}

/** What {@link writeId} wrote. */
export function readId(source: Buffer, offset = 0): StreamId {
  return { ms: source.readBigUInt64BE(offset), seq: source.readBigUInt64BE(offset + 8) };
}

/** An id in 16 bytes of its own. */
export function idBytes(id: StreamId): Buffer {
  const bytes = Buffer.allocUnsafe(ID_BYTES);
  writeId(id, bytes, 0);
  return bytes;
}
