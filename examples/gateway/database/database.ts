/** A column of a row, in bytes: every statement casts what it selects to `bytea`. */
export type Cell = Buffer | null;

/** The one cell of a statement that gives one, and never null. */
export function firstCell(rows: readonly Cell[][]): Buffer {
  const cell = rows[0]?.[0];
  if (!cell) throw new Error('the database gave no row');
  return cell;
}

/** A statement that is prepared once a connection; `name` tells it from the others. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * What the gateway needs of PostgreSQL, embedded or not: one connection, one writer, and each
 * statement a transaction of its own.
 */
export interface Database {
  /**
   * Runs a statement and commits it.
   *
   * @param parameters In PostgreSQL's binary format.
   * @param timeout Milliseconds.
   * @throws {@link DatabaseAway} when the outcome is not known; {@link DatabaseRefused} when the
   * statement failed and left nothing behind.
   */
  execute(statement: Statement, parameters: readonly Cell[], timeout: number): Promise<Cell[][]>;

  /** Whether statements can be run now. */
  readonly available: boolean;

  /** Counts connections; what was read through an earlier one may have been overtaken. */
  readonly generation: number;

  /** Resolves when statements can be run; at once when they can. */
  whenAvailable(): Promise<void>;

  /** Lets go of the database. */
  close(): Promise<void>;
}

/** The database does not answer, so nobody can say whether a statement was committed. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
}

/** The database refused a statement; nothing of it is left. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';
  /** SQLSTATE, five characters. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The gateway cannot start on this database; the message says why and what to do. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}
