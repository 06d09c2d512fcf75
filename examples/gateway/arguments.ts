/**
 * The arguments of one command, as the interpreter reads them. `RespArguments` of Millrace is one
 * such reader, and the one that is used; tests have another.
 */
export interface Arguments {
  readonly length: number;
  /** Bytes of argument `i`. */
  byteLength(i: number): number;
  /** A view of argument `i`: good until the command's record is released. */
  bytes(i: number): Buffer;
  /** Argument `i` as UTF-8 text. */
  string(i: number): string;
  /** Whether argument `i` is this ASCII text; case does not matter. */
  equals(i: number, ascii: string): boolean;
  /** Copies argument `i` to `target`; gives the offset behind it. */
  copyTo(i: number, target: Buffer, offset: number): number;
}
