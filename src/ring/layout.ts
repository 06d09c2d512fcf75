/**
 * The layout of a ring in shared memory, as `crates/ring/src/layout.rs` has it: offsets in 32-bit
 * words unless they say otherwise. A test compares every number here with the native side's.
 */
export const layout = {
  MAGIC: 0x4d4c5243,
  VERSION: 2,
  MAX_CAPACITY: 2 ** 30,
  MAX_STAGES: 31,
  MAX_PRODUCERS: 32,
  NAME_BYTES: 48,
  DEFAULT_GUESTS: 8,
  CURSOR_BIT: 31,
  CLOSERS: 31,
  GRANULE: 32,
  PADDING: 0xffffffff,
  RECORD_PREFIX: 8,
  OPEN: 0,
  CLOSING: 1,
  FAILED: 2,
  KIND_RING: 1,
  KIND_BYTES: 2,
  HEADER_MAGIC: 0,
  HEADER_VERSION: 1,
  HEADER_ID: 2,
  HEADER_KIND: 4,
  HEADER_LENGTH: 5,
  HEADER_STATE: 6,
  HEADER_WAIT: 7,
  HEADER_CAPACITY: 8,
  HEADER_STRIDE: 9,
  HEADER_STAGES: 10,
  HEADER_MULTI: 11,
  HEADER_MAX_PRODUCERS: 12,
  HEADER_STAMPS: 13,
  HEADER_SLOTS: 14,
  HEADER_FIELDS: 15,
  HEADER_PRODUCERS: 16,
  HEADER_LOST: 17,
  HEADER_SEATS: 18,
  HEADER_SINKS: 19,
  HEADER_JOINED: 20,
  HEADER_ABORTED: 21,
  HEADER_RECOVERED: 22,
  HEADER_SKIPPED: 23,
  HEADER_SETTLED: 24,
  HEADER_JOINS: 63,
  HEADER_UPSTREAM: 64,
  HEADER_WORKERS: 96,
  CURSOR_CELL: 128,
  CLAIM_CELL: 160,
  CLAIM_GATE: 162,
  STAGE_CELLS: 192,
  CELL_WORDS: 32,
  CELL_VALUE: 0,
  CELL_WRAPS: 1,
  CELL_OWNER: 2,
  CELL_MADE: 3,
  CELL_ELIDED: 4,
  CELL_BATCHES: 5,
  CELL_WAITS: 6,
  CELL_STAGED: 7,
  CELL_LEDGER: 8,
  CELL_CLAIMANT: 10,
  CELL_CLAIM_START: 12,
  CELL_CLAIM_LENGTH: 13,
  CELL_HOLDER: 14,
  CELL_HALVES: 15,
  CELL_CONSUMERS: 16,
  CELL_PRODUCERS: 17,
  CELL_SKIPPED: 18,
  CELL_RETRIES: 19,
  CELL_NAME: 20,
} as const;

/** How a ring waits, by its number in the header. */
export const waits = ['block', 'yield', 'spin', 'adaptive'] as const;

/**
 * How consumers without events wait:
 *
 * - `'adaptive'` looks a while, some 10 us, and then sleeps: for what you know nothing about.
 * - `'block'` sleeps at once: for events far apart, or more threads than cores.
 * - `'yield'` lends its core between looks and never sleeps: takes a whole core when nobody else wants it.
 * - `'spin'` looks again and again and never sleeps: native stages take a whole core; `run` waits as with `'yield'`.
 *
 * What never sleeps cannot wait on an event loop: `for await`, `receive` and `into` reject.
 */
export type Wait = (typeof waits)[number];
