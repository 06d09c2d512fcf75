import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { InsertLoop } from '../database/insert.js';
import { openDatabase } from '../database/open.js';
import { packFields } from '../database/schema.js';

/** Inserts batch after batch into the database of the directory given, and prints rows a second. */
const [directory, size, seconds, warmUpSeconds] = process.argv.slice(2);
const count = Number(size);

const database = await openDatabase(directory);
const loop = new InsertLoop(database);
const fields = packFields(['a', '00000001', 'b', '12', 'c', '3'].map((text) => Buffer.from(text)));
const digest = createHash('sha256').update(fields).digest();

let rows = 0;
function insertFor(wanted) {
  const before = rows;
  const began = performance.now();
  let took = 0;
  while (took < wanted * 1e3) {
    loop.insert(count, Date.now(), rows, fields, digest);
    rows += count;
    took = performance.now() - began;
  }
  return ((rows - before) * 1e3) / took;
}

insertFor(Number(warmUpSeconds));
const rate = insertFor(Number(seconds));

const { rows: found } = await database.query('SELECT count(*)::int AS count FROM gateway.entry');
await database.close();
if (found[0].count !== rows) {
  throw new Error(`${rows} rows were inserted and ${found[0].count} are there`);
}
process.stdout.write(`${JSON.stringify({ rate })}\n`);
