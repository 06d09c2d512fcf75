import type { Arguments } from '../../examples/gateway/arguments.js';

/** Arguments of a command that never was on a wire. */
export class ArgumentList implements Arguments {
  readonly #args: readonly Buffer[];

  constructor(...args: readonly (string | Buffer)[]) {
    this.#args = args.map((arg) => Buffer.from(arg as string));
  }

  get length(): number {
    return this.#args.length;
  }

  byteLength(i: number): number {
    return this.bytes(i).length;
  }

  bytes(i: number): Buffer {
    const argument = this.#args[i];
    if (argument === undefined) throw new RangeError(`there is no argument ${i}`);
    return argument;
  }

  string(i: number): string {
    return this.bytes(i).toString('utf8');
  }

  equals(i: number, ascii: string): boolean {
    return this.string(i).toUpperCase() === ascii.toUpperCase();
  }

  copyTo(i: number, target: Buffer, offset: number): number {
    return offset + this.bytes(i).copy(target, offset);
  }
}
