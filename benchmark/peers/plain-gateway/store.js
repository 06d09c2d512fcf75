import { createHash } from 'node:crypto';
import { packFields } from '../../database/schema.js';
import { formatId, nextId, toUuid } from './id.js';

/** Streams in the database, with the last id of each kept here. */
export class Store {
  #database;
  #streams = new Map();

  static async open(database) {
    const store = new Store();
    store.#database = database;
    const { rows } = await database.query(
      'SELECT number, name, (SELECT max(id::text) FROM gateway.entry WHERE stream = number) AS last FROM gateway.stream',
    );
    for (const { number, name, last } of rows) {
      const hex = last?.replaceAll('-', '') ?? '0'.repeat(32);
      const id = [Number.parseInt(hex.slice(0, 16), 16), Number.parseInt(hex.slice(16), 16)];
      store.#streams.set(Buffer.from(name).toString('latin1'), { number, last: id });
    }
    return store;
  }

  /** Appends an entry, and returns its id once it is committed. */
  async append(name, wanted, parts) {
    const stream = this.#streams.get(name.toString('latin1')) ?? (await this.#create(name));
    const id = nextId(wanted, stream.last);
    stream.last = id;
    const fields = packFields(parts);
    const digest = createHash('sha256').update(fields).digest();
    await this.#database.query(
      'INSERT INTO gateway.entry (stream, id, fields, digest) VALUES ($1, $2, $3, $4)',
      [stream.number, toUuid(id), fields, digest],
    );
    return formatId(id);
  }

  async length(name) {
    const stream = this.#streams.get(name.toString('latin1'));
    if (stream === undefined) {
      return 0;
    }
    const { rows } = await this.#database.query(
      'SELECT count(*)::int AS count FROM gateway.entry WHERE stream = $1',
      [stream.number],
    );
    return rows[0].count;
  }

  async #create(name) {
    const key = name.toString('latin1');
    const stream = { number: this.#streams.size + 1, last: [0, 0] };
    this.#streams.set(key, stream);
    await this.#database.query('INSERT INTO gateway.stream (number, name) VALUES ($1, $2)', [
      stream.number,
      name,
    ]);
    return stream;
  }
}
