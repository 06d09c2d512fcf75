import type { Arguments } from '../arguments.js';
import { idAfter, idBefore, MAX_ID, parseId, type StreamId, ZERO_ID } from '../stream-id.js';
import type { Answer, Length, Range } from './command.js';
import { parseInteger, refuse, TEXTS, wrongArity } from './errors.js';
import { readStreamName } from './stream-name.js';

/** XLEN stream */
export function xlen(args: Arguments): Length | Answer {
  if (args.length !== 2) return wrongArity('xlen');
  const stream = readStreamName(args);
  return typeof stream === 'string' ? { kind: 'length', stream } : stream;
}

/** XRANGE stream low high [COUNT n] */
export function xrange(args: Arguments): Range | Answer {
  return readRange(args, 'xrange');
}

/** XREVRANGE stream high low [COUNT n] */
export function xrevrange(args: Arguments): Range | Answer {
  return readRange(args, 'xrevrange');
}

function readRange(args: Arguments, command: 'xrange' | 'xrevrange'): Range | Answer {
  if (args.length < 4) return wrongArity(command);
  const reverse = command === 'xrevrange';
  const low = readEnd(args, reverse ? 3 : 2, 'low');
  if (typeof low === 'string') return refuse(low);
  const high = readEnd(args, reverse ? 2 : 3, 'high');
  if (typeof high === 'string') return refuse(high);
  const count = readCount(args);
  if (typeof count === 'string') return refuse(count);
  const stream = readStreamName(args);
  if (typeof stream !== 'string') return stream;
  return { kind: 'range', stream, low, high, reverse, count };
}

/** One end of the interval: `-`, `+`, an id, an incomplete id, or one of these after `(`; or an error. */
function readEnd(args: Arguments, at: number, end: 'low' | 'high'): StreamId | string {
  if (args.byteLength(at) > 128) return TEXTS.invalidId;
  const text = args.string(at);
  if (text === '-') return ZERO_ID;
  if (text === '+') return MAX_ID;
  const exclusive = text.startsWith('(');
  const id = parseId(exclusive ? text.slice(1) : text, end === 'low' ? 'first' : 'last');
  if (id === undefined) return TEXTS.invalidId;
  if (!exclusive) return id;
  if (end === 'low') return idAfter(id) ?? 'ERR invalid start ID for the interval';
  return idBefore(id) ?? 'ERR invalid end ID for the interval';
}

/** `COUNT n`; the last one counts, and less than 0 is 0. */
function readCount(args: Arguments): number | string | undefined {
  let count: number | undefined;
  for (let i = 4; i < args.length; i += 2) {
    if (!args.equals(i, 'COUNT') || i + 1 >= args.length) return TEXTS.syntax;
    const value = args.byteLength(i + 1) > 20 ? undefined : parseInteger(args.string(i + 1));
    if (value === undefined) return TEXTS.notAnInteger;
    count = Math.max(0, Number(value));
  }
  return count;
}
