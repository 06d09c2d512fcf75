import { randomFillSync } from 'node:crypto';
import { invalidArgument } from '../errors.js';
import { producerCell, stageCell } from './cells.js';
import { type Stage, sinksOf } from './graph.js';
import { seatsToJoin } from './join.js';
import { layout as L, type Wait, waits } from './layout.js';

/** What a ring is made of. */
export interface Geometry {
  readonly kind: typeof L.KIND_RING | typeof L.KIND_BYTES;
  readonly capacity: number;
  readonly stride: number;
  /** Byte rings: bytes of a record's header fields. */
  readonly fieldBytes: number;
  readonly maxProducers: number;
  readonly multi: boolean;
  readonly wait: Wait;
  readonly graph: readonly Stage[];
  /** Most stages at a time, those of the graph and those that join. */
  readonly maxConsumers: number | undefined;
  /** First sequence; 0 but for tests of the wrap. */
  readonly start: number;
}

/** Byte offsets are 32-bit integers, which is what makes them fast. */
const MAX_LENGTH = 2 ** 31 - 1;

/** Lays a ring out in new shared memory. */
export function layOut(geometry: Geometry): SharedArrayBuffer {
  const { kind, capacity, stride, fieldBytes, maxProducers, multi, wait, graph, start } = geometry;
  const stages = graph.length;
  const workers = graph.reduce((sum, stage) => sum + stage.workers.length, 0);
  const seats = stages + workers + seatsToJoin(stages, workers, geometry.maxConsumers);
  const stamps = (L.STAGE_CELLS + (seats + maxProducers) * L.CELL_WORDS) * 4;
  const slots = stamps + (multi ? capacity * 8 : 0);
  const length = slots + capacity * stride;
  if (length > MAX_LENGTH) {
    throw invalidArgument(
      'capacity',
      capacity,
      `such that the whole ring has less than 2 GiB, not ${length} bytes`,
    );
  }
  const memory = new SharedArrayBuffer(length);
  const words = new Int32Array(memory);
  randomFillSync(words, L.HEADER_ID, 2);
  words[L.HEADER_MAGIC] = L.MAGIC;
  words[L.HEADER_VERSION] = L.VERSION;
  words[L.HEADER_KIND] = kind;
  words[L.HEADER_LENGTH] = memory.byteLength | 0;
  words[L.HEADER_WAIT] = waits.indexOf(wait);
  words[L.HEADER_CAPACITY] = capacity;
  words[L.HEADER_STRIDE] = stride;
  words[L.HEADER_STAGES] = stages;
  words[L.HEADER_MULTI] = multi ? 1 : 0;
  words[L.HEADER_MAX_PRODUCERS] = maxProducers;
  words[L.HEADER_STAMPS] = stamps;
  words[L.HEADER_SLOTS] = slots;
  words[L.HEADER_FIELDS] = fieldBytes;
  words[L.HEADER_SEATS] = seats;
  words[L.HEADER_SINKS] = sinksOf(graph);
  for (const stage of graph) {
    words[L.HEADER_UPSTREAM + stage.index] = stage.upstream;
    words[L.HEADER_WORKERS + stage.index] = workersWord(stage);
  }
  words[L.CURSOR_CELL + L.CELL_VALUE] = start;
  words[L.CLAIM_CELL] = start;
  words[L.CLAIM_GATE] = start;
  for (let seat = 0; seat < seats; seat++) words[stageCell(seat) + L.CELL_VALUE] = start;
  for (let cell = stageCell(0); cell < stamps / 4; cell += L.CELL_WORDS) {
    words[cell + L.CELL_LEDGER] = start;
    words[cell + L.CELL_HALVES] = start >>> 31;
  }
  if (!multi) words[producerCell(words, 0) + L.CELL_STAGED] = start;
  // A stamp says `sequence + 1`: the first sequence itself is nobody's stamp.
  if (multi && start !== 0) words.fill(start, stamps / 4, stamps / 4 + capacity);
  return memory;
}

/** The first seat of a stage's workers and their number, as the header has it. */
function workersWord({ workers }: Stage): number {
  return workers.length === 0 ? 0 : (workers[0] as number) | (workers.length << 8);
}

/** Bytes of a slot whose event has fields of so many bytes. */
export function strideOf(fieldBytes: number): number {
  return Math.max(8, Math.ceil(fieldBytes / 8) * 8);
}

/** Whether a ring was laid out for these stages, and for fields of so many bytes. */
export function isLaidOut(words: Int32Array, graph: readonly Stage[], fieldBytes: number): boolean {
  const fields =
    words[L.HEADER_KIND] === L.KIND_BYTES
      ? words[L.HEADER_FIELDS] === fieldBytes
      : words[L.HEADER_STRIDE] === strideOf(fieldBytes);
  return (
    fields &&
    words[L.HEADER_STAGES] === graph.length &&
    graph.every(
      (stage) =>
        words[L.HEADER_UPSTREAM + stage.index] === stage.upstream &&
        words[L.HEADER_WORKERS + stage.index] === workersWord(stage),
    )
  );
}
