import type { Handle, Listener } from 'millrace';
import type { ServerFacts } from './commands/context.js';
import type { DatabaseOptions } from './database/open.js';
import type { Records } from './pipeline.js';

/** What the store thread is started with. */
export interface StoreOptions {
  readonly records: Handle<Records>;
  readonly listener: Handle<Listener>;
  readonly database: DatabaseOptions;
  readonly server: ServerFacts;
  /** Milliseconds. */
  readonly commitTimeout: number;
}

/** What the main thread asks of the store. */
export type StoreRequest =
  | { readonly kind: 'metrics' }
  /** No more commands come; what is not done after so many milliseconds is not waited for. */
  | { readonly kind: 'drain'; readonly within: number };

/** What the store tells the main thread. */
export type StoreMessage =
  /** It reads commands from the ring. */
  | { readonly kind: 'serving' }
  /** The database can be used. */
  | { readonly kind: 'available' }
  /** The database cannot be used now. */
  | { readonly kind: 'away'; readonly reason: string }
  /** The gateway cannot start on this database. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The database will not come back in this process. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** All commands are done, and the database is closed. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'metrics'; readonly text: string };
