import type { Statement } from './database.js';

/** What is selected is bytes in every column, so that both databases give the same. */

/** $1 names. Gives for each that exists: name, number, last id or null. */
export const FIND_STREAMS: Statement = {
  name: 'find-streams',
  text: `
    SELECT stream.name, int4send(stream.number), uuid_send(
      (SELECT id FROM gateway.entry WHERE entry.stream = stream.number ORDER BY id DESC LIMIT 1))
    FROM unnest($1::bytea[]) AS wanted (name) JOIN gateway.stream ON stream.name = wanted.name`,
};

/** The number the last new stream got, 0 before the first. */
export const LAST_STREAM: Statement = {
  name: 'last-stream',
  text: 'SELECT int4send(coalesce(max(number), 0)) FROM gateway.stream',
};

/** $1 stream numbers, $2 keys. Gives for each pair, in order: the id of its entry, or null. */
export const FIND_KEYS: Statement = {
  name: 'find-keys',
  text: `
    SELECT uuid_send(
      (SELECT id FROM gateway.entry WHERE entry.stream = wanted.stream AND entry.key = wanted.key))
    FROM ROWS FROM (unnest($1::int4[]), unnest($2::bytea[])) WITH ORDINALITY
      AS wanted (stream, key, n)
    ORDER BY n`,
};

/**
 * $1 stream numbers, $2 ids, $3 fields, $4 digests, $5 keys: one row each.
 *
 * Arrays need one prepared statement for batches of every size, where VALUES needs one a size; and
 * `unnest` in the select list feeds the rows on without storing them in between.
 */
export const APPEND: Statement = {
  name: 'append',
  text: `
    INSERT INTO gateway.entry (stream, id, fields, digest, key)
    SELECT unnest($1::int4[]), unnest($2::uuid[]), unnest($3::bytea[]), unnest($4::bytea[]),
           unnest($5::bytea[])`,
};

/** The same with streams that are new: $6 their numbers, $7 their names. One statement, one commit. */
export const APPEND_WITH_STREAMS: Statement = {
  name: 'append-with-streams',
  text: `
    WITH made AS (
      INSERT INTO gateway.stream (number, name) SELECT unnest($6::int4[]), unnest($7::bytea[])
    )${APPEND.text}`,
};

/** $1 stream number, $2 lowest id, $3 highest id. Gives the number of entries. */
export const COUNT: Statement = {
  name: 'count',
  text: `
    SELECT int8send(count(*)) FROM gateway.entry
    WHERE stream = $1::int4 AND id >= $2::uuid AND id <= $3::uuid`,
};

/** The same, and $4 most rows. Gives id and fields. */
export const RANGE: Statement = {
  name: 'range',
  text: `
    SELECT uuid_send(id), fields FROM gateway.entry
    WHERE stream = $1::int4 AND id >= $2::uuid AND id <= $3::uuid
    ORDER BY id LIMIT $4::int8`,
};

export const RANGE_REVERSE: Statement = {
  name: 'range-reverse',
  text: RANGE.text.replace('ORDER BY id', 'ORDER BY id DESC'),
};
