import { idBytes } from './schema.js';

/** Object ids of PostgreSQL's array types. */
const ARRAY_OF = { int4: 1007, uuid: 2951, bytea: 1001 };
const ELEMENT = { int4: 23, uuid: 2950, bytea: 17 };

/** Length of a value that is NULL. */
const NULL_LENGTH = -1;

const STATEMENT = 'insert_entries';
const SQL =
  'INSERT INTO gateway.entry (stream, id, fields, digest, key) ' +
  'SELECT unnest($1::int4[]), unnest($2::uuid[]), unnest($3::bytea[]), unnest($4::bytea[]), ' +
  'unnest($5::bytea[])';

/**
 * Multi-row inserts by the wire protocol: prepared once, arrays in binary, one bind and one answer a
 * batch. PGlite's own `query` parses the statement and describes its parameters each time, and turns
 * every value into text.
 */
export class InsertLoop {
  #database;
  #bytes = Buffer.alloc(1 << 20);
  #at = 0;

  constructor(database) {
    this.#database = database;
    this.#message('P', () => {
      this.#text(STATEMENT);
      this.#text(SQL);
      this.#int16(5);
      for (const type of ['int4', 'uuid', 'bytea', 'bytea', 'bytea']) {
        this.#int32(ARRAY_OF[type]);
      }
    });
    this.#send();
  }

  /** Inserts `count` rows of the same fields, with ids from `sequence` on; returns once committed. */
  insert(count, milliseconds, sequence, fields, digest) {
    this.#message('B', () => {
      this.#text('');
      this.#text(STATEMENT);
      this.#int16(1);
      this.#int16(1);
      this.#int16(5);
      this.#array('int4', count, () => {
        this.#int32(4);
        this.#int32(1);
      });
      this.#array('uuid', count, (index) => {
        this.#int32(16);
        idBytes(milliseconds, sequence + index, this.#bytes, this.#at);
        this.#at += 16;
      });
      this.#array('bytea', count, () => this.#value(fields));
      this.#array('bytea', count, () => this.#value(digest));
      this.#array('bytea', count, () => this.#int32(NULL_LENGTH));
      this.#int16(0);
    });
    this.#message('E', () => {
      this.#text('');
      this.#int32(0);
    });
    this.#send();
  }

  #send() {
    this.#message('S', () => {});
    const answer = this.#database.execProtocolRawSync(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    for (let at = 0; at < answer.length; ) {
      const view = new DataView(answer.buffer, answer.byteOffset + at);
      if (answer[at] === 'E'.charCodeAt(0)) {
        throw new Error(Buffer.from(answer.subarray(at)).toString());
      }
      at += 1 + view.getInt32(1);
    }
  }

  #message(kind, body) {
    this.#bytes[this.#at++] = kind.charCodeAt(0);
    this.#sized(body, 0);
  }

  #array(type, count, element) {
    this.#sized(() => {
      this.#int32(1);
      this.#int32(1); // may hold NULLs
      this.#int32(ELEMENT[type]);
      this.#int32(count);
      this.#int32(1);
      for (let index = 0; index < count; index++) {
        element(index);
      }
    }, 4);
  }

  /** Writes a length before what `body` writes; `own` bytes of the length itself are not counted. */
  #sized(body, own) {
    const start = this.#at;
    this.#at += 4;
    body();
    this.#bytes.writeInt32BE(this.#at - start - own, start);
  }

  #value(bytes) {
    this.#int32(bytes.length);
    this.#at += bytes.copy(this.#bytes, this.#at);
  }

  #text(text) {
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
    this.#bytes[this.#at++] = 0;
  }

  #int16(value) {
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  #int32(value) {
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }
}
