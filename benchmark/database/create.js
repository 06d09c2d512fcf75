import { PGlite } from '@electric-sql/pglite';
import { SCHEMA } from './schema.js';

/**
 * Makes a database in the directory given. A process of its own, because making one takes hundreds
 * of MiB that are never given back.
 */
const database = await PGlite.create(process.argv[2]);
await database.exec(SCHEMA);
await database.close();
process.stdout.write('{"made":true}\n');
