/** What a command may ask besides its arguments. */
export interface Context {
  /** The connection the command came from. */
  readonly connection: number;
  readonly names: ClientNames;
  readonly server: ServerFacts;
}

/** What INFO, HELLO and CONFIG tell. */
export interface ServerFacts {
  /** The version of Redis whose behaviour and texts are followed. */
  readonly redisVersion: string;
  readonly port: number;
  readonly database: 'embedded' | 'server';
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** As many connections may be named as are served. */
const MOST_NAMES = 20_000;
const LONGEST_NAME = 256;

/** Names that clients gave their connections; the oldest goes when there are too many. */
export class ClientNames {
  readonly #names = new Map<number, string>();

  /** The name of this connection, if it has one. */
  get(connection: number): string | undefined {
    return this.#names.get(connection);
  }

  /** Names this connection; no text takes the name away. */
  set(connection: number, name: string): void {
    this.#names.delete(connection);
    if (name === '') return;
    this.#names.set(connection, name.slice(0, LONGEST_NAME));
    if (this.#names.size <= MOST_NAMES) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      break;
    }
  }
}
