import { invalidArgument } from '../errors.js';

/** How bytes become messages, and messages bytes; made by {@link framing}. */
export interface Framing {
  readonly kind: 'lines' | 'resp';
  /** Most bytes of a message. */
  readonly max: number;
  /** RESP: most arguments of a request. */
  readonly maxArguments: number;
}

/** The ring that messages come through is four times as large, and laid out at once. */
const MAX_FRAME = 2 ** 26;

/** Framings, in native code: bounded, and whole messages only. */
export const framing = {
  /**
   * A message is a line, ended by LF or CRLF, which is not part of it. What is sent gets LF.
   *
   * @param options `max`: most bytes of a line, 1 to 64 MiB, default 65,536.
   */
  lines({ max = 65_536 }: { readonly max?: number } = {}): Framing {
    return { kind: 'lines', max: checkMax('max', max, MAX_FRAME), maxArguments: 0 };
  },

  /**
   * A message is a request of the Redis protocol (RESP2): an array of bulk strings, or an inline
   * command. Its arguments are read with {@link RespArguments}. What is sent is one encoded value,
   * see {@link resp}. What is not the protocol is answered in Redis's words and ends the connection.
   *
   * @param options `max`: most bytes of a request, 1 to 64 MiB, default 1 MiB; `maxArguments`: 1 to 1,048,576, default
   *   1,048,576.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  resp({
    max = 1 << 20,
    maxArguments = 1 << 20,
  }: {
    readonly max?: number;
    readonly maxArguments?: number;
  } = {}): Framing {
    checkMax('maxArguments', maxArguments, 1 << 20);
    return { kind: 'resp', max: checkMax('max', max, MAX_FRAME), maxArguments };
  },
} as const;

function checkMax(option: string, max: number, most: number): number {
  if (Number.isInteger(max) && max >= 1 && max <= most) return max;
  throw invalidArgument(option, max, `a whole number from 1 to ${most}`);
}
