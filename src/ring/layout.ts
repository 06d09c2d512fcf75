/**
 * The layout of a ring in shared memory, as `crates/ring/src/layout.rs` has it: offsets in 32-bit
 * words unless they say otherwise. A test compares every number here with the native side's.
 */
export const layout = {
  MAGIC: 0x4d4c5243,
  VERSION: 1,
  MAX_CAPACITY: 2 ** 30,
  MAX_STAGES: 31,
  MAX_PRODUCERS: 32,
  CURSOR_BIT: 31,
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
  HEADER_UPSTREAM: 64,
  CURSOR_CELL: 128,
  CLAIM_CELL: 160,
  STAGE_CELLS: 192,
  CELL_WORDS: 32,
  CELL_VALUE: 0,
  CELL_CONSUMERS: 1,
  CELL_PRODUCERS: 2,
  CELL_WRAPS: 3,
  CELL_GATE: 4,
  CELL_OWNER: 5,
  CELL_MADE: 6,
  CELL_ELIDED: 7,
  CELL_BATCHES: 8,
  CELL_WAITS: 9,
  CELL_STAGED: 10,
  CELL_SKIPPED: 11,
  CELL_RETRIES: 12,
} as const;

/** How a ring waits, by its number in the header. */
export const waits = ['block', 'yield', 'spin', 'adaptive'] as const;

/** How consumers without events wait. `yield` and `spin` never sleep: for threads with a core of their own. */
export type Wait = (typeof waits)[number];
