import { PGlite } from '@electric-sql/pglite';

/** Runs as a process of its own: makes an empty database in the directory it is given. */
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: initialise DIRECTORY');
// Nobody is left to move the database into place then.
process.on('disconnect', () => process.exit(1));
const database = await PGlite.create(directory);
await database.close();
process.exit(0);
