import { ended, type Life, type Seen } from './board.js';
import type { PlannedStage } from './plan.js';

/** What was seen at each sequence: the producer's life, and which of its events. */
export type Places = Map<number, string>;

/**
 * Where a declared stage saw each event. Once: what comes again was handed to somebody who left, and had not been
 * released by then.
 */
export function placesOf(
  { name, index, workers }: PlannedStage,
  lives: readonly Life[],
  seen: readonly Seen[],
  wrong: string[],
): Places {
  const places: Places = new Map();
  /** Who had an event last, of those who had it for good. */
  const owners = new Map<number, number>();
  /** Where each life was last. */
  const last = new Map<number, number>();
  for (const { life: number, by, n, sequence } of seen) {
    const life = lives[number] as Life;
    if (life.role !== index) continue;
    const what = `${name} saw ${by}/${n} at ${sequence} in life ${number}`;
    const before = places.get(sequence);
    if (before !== undefined && before !== `${by}/${n}`) wrong.push(`${what}, where ${before} was`);
    places.set(sequence, `${by}/${n}`);
    const owner = owners.get(sequence);
    // Only its own policy begins a batch again for one life.
    if (owner !== undefined && !(owner === number && life.retries)) {
      wrong.push(`${what}, which life ${owner} had done`);
    }
    if (life.state === ended || sequence < life.floor) owners.set(sequence, number);
    const behind = last.get(number) ?? -1;
    // What another worker has left lies behind.
    if (workers === 0 && sequence <= behind && !life.retries)
      wrong.push(`${what}, behind ${behind}`);
    last.set(number, sequence);
  }
  return places;
}

/** Holds what stages that joined saw against what there was: from where they began every event, once and in order. */
export function visited(
  visits: readonly Life[],
  seen: readonly Seen[],
  places: Places,
  wrong: string[],
): void {
  const order = [...places.keys()].sort((a, b) => a - b);
  const next = new Map(order.map((sequence, i) => [sequence, order[i + 1]]));
  const due = new Map<number, number | undefined>();
  const retrying = new Map(visits.map((life) => [life.number, life.retries]));
  for (const { life, by, n, sequence } of seen) {
    const retries = retrying.get(life);
    if (retries === undefined) continue;
    const what = `visitor ${life} saw ${by}/${n} at ${sequence}`;
    if (places.get(sequence) !== `${by}/${n}`) {
      wrong.push(`${what}, where ${places.get(sequence)} was`);
    }
    const expected = due.has(life) ? due.get(life) : sequence;
    const again = retries && sequence < (expected ?? Infinity);
    if (sequence !== expected && !again) wrong.push(`${what}, in place of ${expected}`);
    due.set(life, next.get(sequence));
  }
}
