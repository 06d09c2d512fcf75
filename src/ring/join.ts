import { Buffer } from 'node:buffer';
import { checkObject, invalidArgument } from '../errors.js';
import { binding } from '../native/binding.js';
import { environment } from '../park/environment.js';
import { stageCell, stagesOf } from './cells.js';
import type { ConsumerOptions } from './consumer-options.js';
import { maskOf, type Stage } from './graph.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';

/** How a stage joins a ring; `N` are the names of its declared stages. */
export interface JoinOptions<N extends string = string> extends ConsumerOptions {
  /** Declared stages that must be done with an event first; the producers when left out. */
  readonly after?: readonly N[];
  /**
   * - `'now'` (default): begins at the next event that those it follows will have done; with the producers at the next
   *   one to be flushed.
   * - `'oldest'`: begins at the oldest event that a declared stage has not released. All from there on are still in the
   *   ring.
   */
  readonly from?: 'now' | 'oldest';
}

/** @internal A stage that is not in the graph: it takes a seat when its consumer is opened. */
export interface Guest extends Pick<Stage, 'name' | 'upstream' | 'writes'> {
  readonly oldest: boolean;
}

/**
 * Checks what a stage joins with.
 *
 * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export function makeGuest(graph: readonly Stage[], name: string, options: JoinOptions): Guest {
  checkName(name);
  checkObject('options', options, 'after, from, maxBatch and release');
  const { after = [], from = 'now' } = options;
  const names = graph.map((stage) => stage.name);
  if (names.includes(name)) {
    throw invalidArgument(
      'name',
      name,
      'a name that no declared stage has; consumer() opens those',
    );
  }
  if (from !== 'now' && from !== 'oldest') {
    throw invalidArgument('from', from, "'now' or 'oldest'");
  }
  if (!Array.isArray(after)) throw invalidArgument('after', after, 'an array of stages');
  const upstream = maskOf(names, after, 'after');
  return { name, upstream, writes: new Set(), oldest: from === 'oldest' };
}

/** A name is kept in the ring, as bytes that end at a zero: it has to be the same when it is read there. */
function checkName(name: unknown): void {
  const bytes = Buffer.from(typeof name === 'string' ? name : '');
  const fits = bytes.length >= 1 && bytes.length <= L.NAME_BYTES && !bytes.includes(0);
  if (fits && bytes.toString() === name) return;
  const allowed = `a string of 1 to ${L.NAME_BYTES} bytes of UTF-8 without zeros and lone surrogates`;
  throw invalidArgument('name', name, allowed);
}

/** Takes the seat of a declared stage, or one for a stage that joins. */
export function takeSeat(memory: RingMemory, stage: Stage | Guest): Stage {
  if ('index' in stage) {
    binding.takeStage(environment, memory.handle, stage.index);
    return stage;
  }
  const { name, upstream, writes, oldest } = stage;
  const index = binding.joinStage(environment, memory.handle, name, upstream >>> 0, oldest);
  return { name, upstream, writes, index, joined: true, workers: [] };
}

/**
 * What `read` makes of each stage that has joined, from any thread; no seat changed its tenant meanwhile:
 * crates/ring/src/join.rs.
 */
export function readJoined<T>({ words }: RingMemory, read: (stage: Stage) => T): T[] {
  for (;;) {
    const joins = Atomics.load(words, L.HEADER_JOINS);
    const all = stagesOf(Atomics.load(words, L.HEADER_JOINED)).map((index) => {
      const name = readName(words, stageCell(index) + L.CELL_NAME);
      const upstream = words[L.HEADER_UPSTREAM + index] as number;
      const join = Atomics.load(words, stageCell(index) + L.CELL_HALVES);
      return read({ name, index, upstream, writes: new Set(), joined: true, join, workers: [] });
    });
    if (Atomics.load(words, L.HEADER_JOINS) === joins) return all;
  }
}

/** By atomic loads, which stay before the last look at who joins. */
function readName(words: Int32Array, at: number): string {
  const name = Int32Array.from({ length: L.NAME_BYTES / 4 }, (_, i) => Atomics.load(words, at + i));
  return Buffer.from(name.buffer).toString().replace(/\0+$/, '');
}

/** Seats of a ring for stages that join. */
export function seatsToJoin(stages: number, workers: number, maxConsumers?: number): number {
  const most = L.MAX_STAGES - workers;
  if (maxConsumers === undefined) return Math.min(L.DEFAULT_GUESTS, most - stages);
  if (!Number.isInteger(maxConsumers) || maxConsumers < stages || maxConsumers > most) {
    const allowed = `a whole number from ${stages}, the declared stages, to ${most}`;
    throw invalidArgument('maxConsumers', maxConsumers, allowed);
  }
  return maxConsumers - stages;
}
