import { StartRefused, type Statement } from './database.js';

/** Changes with the tables; a gateway refuses tables of another version. */
export const SCHEMA_VERSION = 1;

/**
 * The tables. An id is sixteen bytes, `ms` and then `seq`, both big-endian: the type `uuid` holds
 * them without a header and compares them byte by byte, which is the order of stream ids, also of
 * those beyond 2^63 that `bigint` cannot hold. The view `gateway.event` shows all of it in plain
 * types.
 *
 * A key is the SHA-256 of what the client sent, so that a key of any length fits an index.
 */
const CREATE_TABLES = `
BEGIN;
CREATE SCHEMA IF NOT EXISTS gateway;
CREATE TABLE IF NOT EXISTS gateway.about (version int4 NOT NULL);
INSERT INTO gateway.about
  SELECT ${SCHEMA_VERSION} WHERE NOT EXISTS (SELECT 1 FROM gateway.about);
CREATE TABLE IF NOT EXISTS gateway.stream (
  number int4 PRIMARY KEY,
  name bytea NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS gateway.entry (
  stream int4 NOT NULL,
  id uuid NOT NULL,
  fields bytea NOT NULL,
  digest bytea NOT NULL,
  key bytea,
  PRIMARY KEY (stream, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON gateway.entry (stream, key) WHERE key IS NOT NULL;
CREATE OR REPLACE FUNCTION gateway.unpack(packed bytea) RETURNS bytea[]
  LANGUAGE sql IMMUTABLE STRICT AS $$
  WITH RECURSIVE part (n, at, size) AS (
    SELECT 0, 1, 0
    UNION ALL
    SELECT n + 1, at + size + 4,
           ('x' || encode(substring(packed FROM at + size FOR 4), 'hex'))::bit(32)::int4
    FROM part WHERE at + size <= length(packed)
  )
  SELECT coalesce(array_agg(substring(packed FROM at FOR size) ORDER BY n), '{}')
  FROM part WHERE n > 0
$$;
CREATE OR REPLACE VIEW gateway.event AS
  SELECT stream.name AS stream,
         ('x' || encode(substring(uuid_send(id) FROM 1 FOR 8), 'hex'))::bit(64)::int8 AS ms,
         ('x' || encode(substring(uuid_send(id) FROM 9 FOR 8), 'hex'))::bit(64)::int8 AS seq,
         gateway.unpack(fields) AS fields,
         digest
  FROM gateway.entry JOIN gateway.stream ON stream.number = entry.stream;
COMMIT;
`;

/**
 * Set once a connection. The plans are meant to use the indexes, whatever the planner believes of
 * tables that were empty when a statement was prepared.
 */
const SESSION_SETTINGS = `
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
SET enable_mergejoin = off; SET jit = off;
`;

/** 1 when there are tables already, 0 when not. */
const HAS_TABLES: Statement = {
  name: 'has-tables',
  text: "SELECT int4send((to_regclass('gateway.about') IS NOT NULL)::int4)",
};

/** The version of the tables that are there. */
const READ_VERSION: Statement = {
  name: 'version',
  text: 'SELECT int4send(version) FROM gateway.about',
};

/** Runs SQL text, without results; and a statement without parameters, giving its first cell. */
export interface SchemaConnection {
  script(text: string): Promise<unknown>;
  number(statement: Statement): Promise<number | undefined>;
}

/**
 * Makes the tables when there are none, and settles the session.
 *
 * @throws {@link StartRefused} when the tables are of another version; they are untouched then.
 */
export async function prepareSchema(connection: SchemaConnection): Promise<void> {
  if ((await connection.number(HAS_TABLES)) !== 1) await connection.script(CREATE_TABLES);
  const version = await connection.number(READ_VERSION);
  if (version !== SCHEMA_VERSION) {
    throw new StartRefused(
      `the database's tables are of version ${version}, this gateway writes version ${SCHEMA_VERSION}: choose another database`,
    );
  }
  await connection.script(SESSION_SETTINGS);
}
