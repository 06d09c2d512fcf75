import { createHash } from 'node:crypto';
import type { Arguments } from '../arguments.js';
import { packFields } from '../fields.js';
import { AUTO_ID, ID_ERRORS, type IdRequest } from '../next-id.js';
import { compareIds, parseId, parseOpenSequence, ZERO_ID } from '../stream-id.js';
import { type Answer, type Append, DIGEST_BYTES } from './command.js';
import { refuse, TEXTS, wrongArity } from './errors.js';
import { readStreamName } from './stream-name.js';

/** The reserved field: an entry with it is stored once a stream. */
export const KEY_FIELD = '_key';

/** What Redis has before the id and this gateway has not. */
const UNSUPPORTED_OPTIONS = [
  'MAXLEN',
  'MINID',
  'LIMIT',
  'KEEPREF',
  'DELREF',
  'ACKED',
  'IDMP',
  'IDMPAUTO',
];

/** XADD stream [NOMKSTREAM] *|ms|ms-*|ms-seq field value [field value …] */
export function xadd(args: Arguments): Append | Answer {
  if (args.length < 5) return wrongArity('xadd');
  let at = 2;
  while (args.equals(at, 'NOMKSTREAM') && at < args.length - 1) at++;
  const makeStream = at === 2;
  const id = args.equals(at, '*') ? AUTO_ID : readIdRequest(args, at);
  if (typeof id === 'string') return refuse(id);

  const first = at + 1;
  const fields = args.length - first;
  if (fields < 2 || fields % 2 !== 0) return wrongArity('xadd');
  if (id.kind === 'explicit' && compareIds(id.id, ZERO_ID) === 0) return refuse(ID_ERRORS.zero);
  const stream = readStreamName(args);
  if (typeof stream !== 'string') return stream;
  const keyAt = findKey(args, first);
  if (keyAt === 'twice') return refuse(`ERR field '${KEY_FIELD}' is given more than once`);
  return {
    kind: 'append',
    stream,
    makeStream,
    id,
    payload: packFields(args, first, DIGEST_BYTES),
    key: keyAt === undefined ? undefined : digestOfKey(args.bytes(keyAt)),
  };
}

/** The id asked for, or the text of an error. */
function readIdRequest(args: Arguments, at: number): IdRequest | string {
  if (args.byteLength(at) > 127) return TEXTS.invalidId;
  for (const option of UNSUPPORTED_OPTIONS) {
    if (args.equals(at, option))
      return `ERR XADD option ${option} is not supported by this gateway`;
  }
  const text = args.string(at);
  const id = parseId(text);
  if (id !== undefined) return { kind: 'explicit', id };
  const ms = parseOpenSequence(text);
  return ms === undefined ? TEXTS.invalidId : { kind: 'open-sequence', ms };
}

/** Where the value of the reserved field stands. */
function findKey(args: Arguments, first: number): number | 'twice' | undefined {
  let found: number | undefined;
  for (let i = first; i < args.length; i += 2) {
    if (args.byteLength(i) !== KEY_FIELD.length || args.string(i) !== KEY_FIELD) continue;
    if (found !== undefined) return 'twice';
    found = i + 1;
  }
  return found;
}

function digestOfKey(value: Buffer): Buffer {
  // In place: hashing takes shared memory, and is done before the record is released.
  return createHash('sha256').update(value).digest();
}
