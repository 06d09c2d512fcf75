import { expect, test } from '@jest/globals';
import type { LoadResult } from '../../examples/gateway/demo/load-protocol.js';
import { isKept } from '../../examples/gateway/demo/report.js';

const good: LoadResult = {
  events: 10,
  answered: 10,
  errors: 0,
  missing: 0,
  elapsed: 1000,
  latency: { p50: 1, p99: 2, p999: 3 },
};

test.each([
  ['every answered id was found', {}, true],
  ['one answered id is missing', { missing: 1 }, false],
  ['a command got an error', { errors: 1 }, false],
  ['nothing was answered', { events: 0, answered: 0 }, false],
])('the demo’s verdict when %s', (_, difference, kept) => {
  expect(isKept({ ...good, ...difference })).toBe(kept);
});
