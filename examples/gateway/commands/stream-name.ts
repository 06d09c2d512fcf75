import type { Arguments } from '../arguments.js';
import type { Answer, StreamName } from './command.js';
import { refuse } from './errors.js';

/** Names are keys of an index: a page of it must hold several. */
export const MAX_STREAM_NAME = 1024;

/** The stream's name is argument 1 of every command on streams. */
export function readStreamName(args: Arguments): StreamName | Answer {
  const length = args.byteLength(1);
  if (length >= 1 && length <= MAX_STREAM_NAME) return args.bytes(1).toString('latin1');
  return refuse(`ERR invalid stream name: ${length} bytes, allowed are 1 to ${MAX_STREAM_NAME}`);
}
