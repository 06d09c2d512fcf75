/**
 * The gateway's tables: an id is its milliseconds and its sequence, 8 bytes each, which `uuid` holds
 * in 16 bytes and in the right order; the fields are one `bytea`, as they came, with lengths before.
 */
export const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS gateway;
  CREATE TABLE IF NOT EXISTS gateway.stream (number int4 PRIMARY KEY, name bytea NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS gateway.entry (
    stream int4 NOT NULL,
    id uuid NOT NULL,
    fields bytea NOT NULL,
    digest bytea NOT NULL,
    key bytea,
    PRIMARY KEY (stream, id)
  );
  CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON gateway.entry (stream, key) WHERE key IS NOT NULL;
`;

/** An id as 16 bytes. */
export function idBytes(milliseconds, sequence, into = Buffer.alloc(16), at = 0) {
  into.writeBigUInt64BE(BigInt(milliseconds), at);
  into.writeBigUInt64BE(BigInt(sequence), at + 8);
  return into;
}

/**
 * Fields and values, each with its length in four bytes before it.
 * @param {readonly Buffer[]} parts
 */
export function packFields(parts) {
  const packed = Buffer.allocUnsafe(parts.reduce((size, part) => size + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    at = packed.writeUInt32BE(part.length, at);
    at += part.copy(packed, at);
  }
  return packed;
}
