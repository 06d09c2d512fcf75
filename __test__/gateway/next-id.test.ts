import { expect, test } from '@jest/globals';
import { AUTO_ID, ID_ERRORS, nextId } from '../../examples/gateway/next-id.js';
import {
  compareIds,
  formatId,
  idAfter,
  idBefore,
  idBytes,
  MAX_ID,
  parseId,
  parseOpenSequence,
  readId,
  type StreamId,
  ZERO_ID,
} from '../../examples/gateway/stream-id.js';

const id = (text: string): StreamId => parseId(text) as StreamId;
const next = (request: Parameters<typeof nextId>[0], last: string, now = 1000): string => {
  const given = nextId(request, id(last), now);
  return typeof given === 'string' ? given : formatId(given);
};

test('an automatic id is the clock, and counts on when the clock stands or goes back', () => {
  expect(next(AUTO_ID, '0-0')).toBe('1000-0');
  expect(next(AUTO_ID, '1000-0')).toBe('1000-1');
  expect(next(AUTO_ID, '5000-7')).toBe('5000-8');
  expect(next(AUTO_ID, `5000-${MAX_ID.seq}`)).toBe('5001-0');
  expect(next(AUTO_ID, `${MAX_ID.ms}-5`)).toBe(`${MAX_ID.ms}-6`);
});

test('an explicit id must exceed the last one', () => {
  expect(next({ kind: 'explicit', id: id('5-1') }, '5-0')).toBe('5-1');
  expect(next({ kind: 'explicit', id: id('5-1') }, '5-1')).toBe(ID_ERRORS.notGreater);
  expect(next({ kind: 'explicit', id: id('4-9') }, '5-1')).toBe(ID_ERRORS.notGreater);
});

test('an open sequence follows the last one of its millisecond', () => {
  expect(next({ kind: 'open-sequence', ms: 0n }, '0-0')).toBe('0-1');
  expect(next({ kind: 'open-sequence', ms: 5n }, '5-1')).toBe('5-2');
  expect(next({ kind: 'open-sequence', ms: 6n }, '5-1')).toBe('6-0');
  expect(next({ kind: 'open-sequence', ms: 4n }, '5-1')).toBe(ID_ERRORS.notGreater);
  expect(next({ kind: 'open-sequence', ms: 5n }, `5-${MAX_ID.seq}`)).toBe(ID_ERRORS.notGreater);
});

test('after the last id there is none', () => {
  expect(next(AUTO_ID, formatId(MAX_ID))).toBe(ID_ERRORS.exhausted);
  expect(idAfter(MAX_ID)).toBeUndefined();
  expect(idBefore(ZERO_ID)).toBeUndefined();
});

test('ids are read as Redis reads them', () => {
  expect(parseId('7')).toEqual({ ms: 7n, seq: 0n });
  expect(parseId('7', 'last')).toEqual({ ms: 7n, seq: MAX_ID.seq });
  expect(parseId('007-01')).toEqual({ ms: 7n, seq: 1n });
  for (const text of ['', '-', '1-', '-1', '1-2-3', 'a', '1.5', ' 1', '18446744073709551616-0']) {
    expect(parseId(text)).toBeUndefined();
  }
  expect(parseOpenSequence('12-*')).toBe(12n);
  expect(parseOpenSequence('12')).toBeUndefined();
});

test('bytes of ids order as ids do, also beyond 63 bits', () => {
  const ids = ['0-1', '1-0', '1-9', `9223372036854775808-0`, `${MAX_ID.ms}-${MAX_ID.seq}`].map(id);
  for (const [i, a] of ids.entries()) {
    expect(readId(idBytes(a))).toEqual(a);
    for (const [j, b] of ids.entries()) {
      expect(Math.sign(compareIds(a, b))).toBe(Math.sign(i - j));
      expect(Math.sign(Buffer.compare(idBytes(a), idBytes(b)))).toBe(Math.sign(i - j));
    }
  }
  expect(idAfter(id('1-9'))).toEqual(id('1-10'));
  expect(idBefore(id('2-0'))).toEqual({ ms: 1n, seq: MAX_ID.seq });
});
