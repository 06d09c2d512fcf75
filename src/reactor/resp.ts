import { Buffer } from 'node:buffer';

/** One encoded value of the Redis protocol. */
export type RespValue = string | Buffer;

/** Encoders of the Redis protocol, version 2: each gives one value, ready to be sent. */
export const resp = {
  /** A short text without line ends: `+OK`. */
  simple(text: string): RespValue {
    return `+${oneLine(text)}\r\n`;
  },

  /** An error; by custom it begins with a word in capitals: `ERR unknown command`. */
  error(text: string): RespValue {
    return `-${oneLine(text)}\r\n`;
  },

  integer(value: number | bigint): RespValue {
    return `:${value}\r\n`;
  },

  /** Bytes, or text in UTF-8. */
  bulk(value: Uint8Array | string): RespValue {
    if (typeof value === 'string') return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
    return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, lineEnd]);
  },

  /** No value: a missing key. */
  nil(): RespValue {
    return '$-1\r\n';
  },

  /** An array of values that are encoded already. */
  array(values: readonly RespValue[]): RespValue {
    const head = `*${values.length}\r\n`;
    if (values.every((value) => typeof value === 'string')) return head + values.join('');
    return Buffer.concat(
      [head, ...values].map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
    );
  },
} as const;

const lineEnd = Buffer.from('\r\n');

/** A line end inside would end the value for the peer. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
