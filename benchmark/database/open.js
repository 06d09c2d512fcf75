import { PGlite } from '@electric-sql/pglite';

/** The gateway's settings of its embedded database. */
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

const SESSION = `
  SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
  SET enable_mergejoin = off; SET jit = off;
`;

/** Opens a database as the gateway opens its own, so that all sides write to the same one. */
export async function openDatabase(directory) {
  const database = await PGlite.create(directory, {
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])],
  });
  await database.exec(SESSION);
  return database;
}
