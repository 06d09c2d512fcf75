import { ByteRing } from 'millrace';

/** Bytes of records on their way: back-pressure begins when they are in use. */
const CAPACITY = 1 << 24;

/**
 * The way of a command. Its bytes are the record, as the reactor framed them; beside them stand
 *
 * - `reply`: the token its answer is given with,
 * - `connection`: whose command it is,
 * - `digest`: SHA-256 of the record, written by a native stage.
 *
 * `metrics` and `store` run beside each other; only what is stored waits for the digest.
 */
const pipeline = {
  header: { reply: 'u32', connection: 'u32', digest: 'bytes(32)' },
  stages: {
    digest: { writes: ['digest'] },
    metrics: {},
    store: { after: ['digest'] },
  },
} as const;

/** Makes the ring that all parts share. A record has to fit in several times. */
export function createRecords(maxFrame: number) {
  return ByteRing.create({ ...pipeline, capacity: Math.max(CAPACITY, roundUp(maxFrame * 8)) });
}

/** The ring with its header and stages. */
export type Records = ReturnType<typeof createRecords>;

function roundUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
