import type { Database } from './database.js';
import { EmbeddedDatabase } from './pglite.js';
import { PostgresDatabase, type PostgresEvents } from './postgres.js';

/** Which database: a directory, locked and initialised; or a server. Plain data. */
export type DatabaseOptions =
  | { readonly kind: 'embedded'; readonly directory: string; readonly flush: boolean }
  | { readonly kind: 'server'; readonly url: string };

/** Opens it; throws `StartRefused` when the gateway cannot work on it. */
export function openDatabase(options: DatabaseOptions, events: PostgresEvents): Promise<Database> {
  return options.kind === 'embedded'
    ? EmbeddedDatabase.open(options.directory, options.flush)
    : PostgresDatabase.open(options.url, events);
}
