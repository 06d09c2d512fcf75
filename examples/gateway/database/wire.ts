import { type Cell, DatabaseRefused, type Statement } from './database.js';

/**
 * As much of PostgreSQL's protocol, version 3, as it takes to prepare a statement once and to run
 * it with binary parameters and results: Parse, Bind, Execute, Sync one way; DataRow and
 * ErrorResponse the other.
 */

const BINARY = 1;
const NULL_LENGTH = -1;

/** Messages to the server, written into one buffer that grows and is kept. */
export class RequestWriter {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #end = 0;

  /** Parse and Sync: prepares a statement; the server infers the parameters' types from casts. */
  prepare(statement: Statement): Buffer {
    this.#end = 0;
    const message = this.#begin('P');
    this.#text(statement.name);
    this.#text(statement.text);
    this.#int16(0);
    this.#finish(message);
    this.#sync();
    return this.#bytes.subarray(0, this.#end);
  }

  /** Bind, Execute and Sync: runs a prepared statement. */
  run(statement: Statement, parameters: readonly Cell[]): Buffer {
    this.#end = 0;
    const bind = this.#begin('B');
    this.#text('');
    this.#text(statement.name);
    this.#int16(1);
    this.#int16(BINARY);
    this.#int16(parameters.length);
    for (const parameter of parameters) this.#cell(parameter);
    this.#int16(1);
    this.#int16(BINARY);
    this.#finish(bind);
    const execute = this.#begin('E');
    this.#text('');
    this.#int32(0);
    this.#finish(execute);
    this.#sync();
    return this.#bytes.subarray(0, this.#end);
  }

  #sync(): void {
    this.#finish(this.#begin('S'));
  }

  /** Writes a message's type and leaves room for its length, whose place is given. */
  #begin(type: string): number {
    this.#room(5);
    this.#end = this.#bytes.writeUInt8(type.charCodeAt(0), this.#end);
    const lengthAt = this.#end;
    this.#end += 4;
    return lengthAt;
  }

  #finish(lengthAt: number): void {
    this.#bytes.writeInt32BE(this.#end - lengthAt, lengthAt);
  }

  #cell(cell: Cell): void {
    this.#int32(cell?.length ?? NULL_LENGTH);
    if (cell === null) return;
    this.#room(cell.length);
    cell.copy(this.#bytes, this.#end);
    this.#end += cell.length;
  }

  #text(text: string): void {
    this.#room(text.length + 1);
    this.#end += this.#bytes.write(text, this.#end, 'latin1');
    this.#end = this.#bytes.writeUInt8(0, this.#end);
  }

  #int16(value: number): void {
    this.#room(2);
    this.#end = this.#bytes.writeInt16BE(value, this.#end);
  }

  #int32(value: number): void {
    this.#room(4);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
  }

  #room(size: number): void {
    if (this.#end + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#end + size, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

const DATA_ROW = 'D'.charCodeAt(0);
const ERROR_RESPONSE = 'E'.charCodeAt(0);
const READY_FOR_QUERY = 'Z'.charCodeAt(0);

/** The rows of a response; the cells are views of it. Throws what the server refused. */
export function readResponse(response: Buffer): Cell[][] {
  const rows: Cell[][] = [];
  let refused: DatabaseRefused | undefined;
  let ready = false;
  for (let at = 0; at + 5 <= response.length; ) {
    const type = response[at];
    const end = at + 1 + response.readInt32BE(at + 1);
    if (type === DATA_ROW) rows.push(readRow(response, at + 5));
    if (type === ERROR_RESPONSE) refused ??= readError(response.subarray(at + 5, end));
    if (type === READY_FOR_QUERY) ready = true;
    at = end;
  }
  if (refused !== undefined) throw refused;
  // Without this message the server stopped in the middle; what it did is not known.
  if (!ready) throw new Error('the database ended its response early');
  return rows;
}

function readRow(response: Buffer, start: number): Cell[] {
  const cells: Cell[] = [];
  let at = start + 2;
  for (let left = response.readInt16BE(start); left > 0; left--) {
    const length = response.readInt32BE(at);
    at += 4;
    if (length === NULL_LENGTH) {
      cells.push(null);
    } else {
      cells.push(response.subarray(at, at + length));
      at += length;
    }
  }
  return cells;
}

/** Fields of an error: a letter, a text, a zero; `C` is the code, `M` the message. */
function readError(body: Buffer): DatabaseRefused {
  const fields = new Map<string, string>();
  for (const field of body.toString('utf8').split('\0'))
    fields.set(field.charAt(0), field.slice(1));
  return new DatabaseRefused(fields.get('M') ?? 'unknown error', fields.get('C') ?? 'XX000');
}
