import type { RingClosed, RingStatistics } from 'millrace';
import {
  type Board,
  claimStates,
  ended,
  failed,
  type Life,
  producerRole,
  refusals,
  visitorRole,
} from './board.js';
import { gapsIn, granulesOf, placeOf } from './granules.js';
import { type Places, placesOf, visited } from './places.js';
import type { Plan } from './plan.js';

/** How a ring ended. */
export interface End extends RingClosed {
  /** Its stages consumed everything. */
  readonly whole: boolean;
  /** A stage failed it. */
  readonly failed: boolean;
  /** It was asked to close before that. */
  readonly refusedFirst: boolean;
}

/**
 * Holds what was seen against what was accepted, when nobody has the ring open any more.
 *
 * @returns What does not fit; nothing when every event is explained.
 */
export function account(plan: Plan, board: Board, statistics: RingStatistics, end: End): string[] {
  const wrong: string[] = [];
  const is = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) wrong.push(`${what}: ${found}, not ${wanted}`);
  };
  const { lives, seen } = board;
  const { first } = plan;
  const { cursor } = statistics;
  const sequences = Object.values(statistics.stages).map(({ sequence }) => sequence - first);
  is('stages', Object.keys(statistics.stages).join(), Object.keys(plan.definition).join());

  // What stages have in hand when all is over is nobody's: it counts what one of them has released.
  const stages = plan.stages.map((stage) => placesOf(stage, lives, seen, wrong));
  const all: Places = new Map(stages.flatMap((places) => [...places]));
  const furthest = Math.max(...sequences);
  const order = [...all.keys()].filter((sequence) => sequence < furthest).sort((a, b) => a - b);
  const places: Places = new Map(order.map((sequence) => [sequence, all.get(sequence) as string]));
  for (const [index, others] of stages.entries()) {
    const { name } = plan.stages[index] as Plan['stages'][0];
    const released = (statistics.stages[name]?.sequence as number) - first;
    if (end.whole) is(`events of stage ${name}`, others.size, places.size);
    for (const [sequence, event] of places)
      if (sequence < released || others.has(sequence))
        is(`${sequence} of ${name}`, others.get(sequence), event);
  }
  const visits = lives.filter(({ role }) => role === visitorRole);
  // Who has joined may be ahead of them all.
  const ahead = end.whole ? [] : seen.filter(({ life }) => lives[life]?.role === visitorRole);
  const known = ahead.map(({ sequence, by, n }): [number, string] => [sequence, `${by}/${n}`]);
  visited(visits, seen, new Map([...known, ...all]), wrong);

  const producers = lives.filter(({ role }) => role === producerRole);
  const counts = publishedBy(producers, places, end.whole, wrong);
  // A single producer claims again what it gave up.
  const multi = plan.options.producers === 'multi';
  const gaps = multi ? statistics.aborted + statistics.recovered : 0;
  const slowest = Math.min(...sequences);
  if (plan.records) {
    for (const gap of gapsIn(plan, places)) wrong.push(gap);
    is('consumed', end.consumed, first + slowest);
    is('abandoned', end.abandoned, cursor - first - slowest);
    if (end.whole) {
      const { least, most } = lostRecords(plan, producers, places, counts);
      if (statistics.lost < least || statistics.lost > most)
        wrong.push(`lost: ${statistics.lost}, not ${least} to ${most}`);
    }
  } else {
    // What a ring's first sequence passes over counts as consumed long ago.
    const consumed = order.filter((sequence) => sequence < slowest).length;
    is('consumed', end.consumed, first + consumed);
    // Of many producers' claims that were open when the ring failed, what was committed is lost, and its slots are passed.
    const late = end.failed && multi ? cursor - first - gaps - consumed - end.abandoned : 0;
    const most = producers.reduce((sum, { committed }) => sum + committed, 0);
    if (late < 0 || late > most) wrong.push(`late: ${late}, not 0 to ${most}`);
    const published = cursor - first - gaps - late;
    is('abandoned', end.abandoned, published - consumed);
    for (const [name, { least, most }] of Object.entries(given(producers, published))) {
      const found = statistics[name as 'lost' | 'recovered' | 'aborted'];
      if (found < least || found > most) wrong.push(`${name}: ${found}, not ${least} to ${most}`);
    }
  }
  is('producers', statistics.producers, 0);
  for (const [name, { lag, sequence }] of Object.entries(statistics.stages)) {
    if (!end.whole) continue;
    is(`the lag of ${name}`, lag, 0);
    is(`the sequence of ${name}`, sequence, cursor);
  }
  refused(producers, end, wrong);
  for (const life of lives.filter(({ state }) => state === failed)) {
    const { name, workers } = plan.stages[life.role] as Plan['stages'][0];
    if (workers > 0) continue;
    const released = (statistics.stages[name]?.sequence as number) - first;
    // Before the event that failed, or the batch that was given up, everything is released, and nothing behind.
    const mine = [...(stages[life.role] as Places).keys()];
    const behind = mine.filter((sequence) => sequence < life.floor && sequence >= released);
    if (released > life.floor || behind.length > 0)
      wrong.push(`stage ${name} failed at ${life.floor}, and has released ${released}`);
  }
  return wrong;
}

/** Who was refused was told why. */
function refused(producers: readonly Life[], end: End, wrong: string[]): void {
  for (const { number, refusal } of producers) {
    const lie =
      (refusal === refusals.failed && !end.failed) ||
      (refusal === refusals.closed && end.failed && !end.refusedFirst);
    if (lie) wrong.push(`producer ${number} was refused by ${refusal}`);
  }
}

/**
 * How many events were seen of each producer: the first that it accepted, in order and without a gap, and all of who
 * closed a ring that was consumed.
 */
function publishedBy(
  producers: readonly Life[],
  places: Places,
  whole: boolean,
  wrong: string[],
): Map<number, number> {
  const next = new Map(producers.map(({ number }) => [number, 0]));
  for (const [sequence, event] of places) {
    const [by = -1, n = -1] = event.split('/').map(Number);
    const due = next.get(by);
    if (n !== due) wrong.push(`${by}/${n} at ${sequence}, in place of ${by}/${due}`);
    next.set(by, n + 1);
  }
  for (const { number, state, accepted, doubt, claimState, used } of producers) {
    const found = next.get(number) ?? 0;
    const most = accepted + doubt + (claimState === claimStates.ending ? used : 0);
    if (found > most || (whole && state === ended && found !== accepted)) {
      wrong.push(`events of producer ${number}: ${found}, of ${accepted} that it accepted`);
    }
  }
  return next;
}

/** What must have been counted, as exactly as those tell who were terminated in the middle of something. */
function given(producers: readonly Life[], published: number) {
  const lost = { least: -published, most: -published };
  const recovered = { least: 0, most: 0 };
  const aborted = { least: 0, most: 0 };
  for (const { accepted, doubt, claim, claimState, used, aborted: gaveUp } of producers) {
    const ending = claimState === claimStates.ending;
    lost.least += accepted - doubt;
    lost.most += accepted + doubt + (ending ? used : 0);
    if (claimState === claimStates.open) recovered.least += claim;
    if (claimState !== claimStates.none) recovered.most += claim;
    aborted.least += gaveUp;
    aborted.most += gaveUp + (ending ? claim - used : 0);
  }
  return { lost, recovered, aborted };
}

/**
 * The same of records, in places: what one producer of several has staged lies nowhere yet; what the only producer of a
 * ring lost would have been behind what was seen.
 */
function lostRecords(
  plan: Plan,
  producers: readonly Life[],
  places: Places,
  counts: ReadonlyMap<number, number>,
) {
  const multi = plan.options.producers === 'multi';
  const lost = { least: 0, most: 0 };
  let end = 0;
  const ends = new Map<number, number>();
  for (const [sequence, event] of places) {
    const [by = 0, n = 0] = event.split('/').map(Number);
    ends.set(by, sequence + granulesOf(plan, by, n));
  }
  for (const { number, accepted, doubt } of producers) {
    end = ends.get(number) ?? end;
    let at = end;
    const pass = (n: number) => {
      const granules = granulesOf(plan, number, n);
      at = (multi ? at : placeOf(plan, at, granules)) + granules;
    };
    let n = counts.get(number) ?? 0;
    for (; n < accepted - doubt; n++) pass(n);
    lost.least += at - end;
    for (; n < accepted + doubt; n++) pass(n);
    lost.most += at - end;
  }
  return lost;
}
