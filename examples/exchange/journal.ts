import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** Longer than any line. */
const tailBytes = 4096;

/**
 * The file every order is in, by number, before it is matched.
 *
 * A ring gives a stage's new consumer again what the one before had not released, written or not.
 * The file knows how far it is, so nothing is written twice.
 */
export class Journal {
  #file: number;
  #lines = '';
  /** The number of the last order that is in the file; -1 for none. */
  last: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
    this.last = this.#repair();
  }

  /** Adds an order, unless it is there already. */
  add(number: number, line: string): void {
    if (number <= this.last) return;
    this.#lines += `${number} ${line}\n`;
    this.last = number;
  }

  /** Writes what was added. */
  write(): void {
    let bytes = Buffer.from(this.#lines);
    this.#lines = '';
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes));
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Cuts off a line that was not written to its end, and tells the number of the last whole one. */
  #repair(): number {
    const { size } = fstatSync(this.#file);
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    readSync(this.#file, tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf('\n') + 1;
    ftruncateSync(this.#file, size - tail.length + end);
    if (end === 0) return -1;
    const begin = tail.subarray(0, end - 1).lastIndexOf('\n') + 1;
    return Number.parseInt(tail.toString('latin1', begin, end), 10);
  }
}
