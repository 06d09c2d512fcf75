import type { RingClosed, RingStatistics } from 'millrace';
import { type Board, claimStates, ended, type Life, producerRole, visitorRole } from './board.js';
import { type Places, placesOf, visited } from './places.js';
import type { Plan } from './plan.js';

/**
 * Holds what was seen against what was accepted, when a ring has ended.
 *
 * @returns What does not fit; nothing when every event is explained.
 */
export function account(
  plan: Plan,
  board: Board,
  statistics: RingStatistics,
  closed: RingClosed,
): string[] {
  const wrong: string[] = [];
  const is = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) wrong.push(`${what}: ${found}, not ${wanted}`);
  };
  const { lives, seen } = board;
  const stages = plan.stages.map((stage) => placesOf(stage, lives, seen, wrong));
  const places = stages[0] as Places;
  for (const [index, others] of stages.entries()) {
    const { name } = plan.stages[index] as Plan['stages'][0];
    is(`events of stage ${name}`, others.size, places.size);
    for (const [sequence, event] of places)
      is(`${sequence} of ${name}`, others.get(sequence), event);
  }
  visited(
    lives.filter(({ role }) => role === visitorRole),
    seen,
    places,
    wrong,
  );

  const producers = lives.filter(({ role }) => role === producerRole);
  const published = publishedBy(producers, places, wrong);
  // What a ring's first sequence passes over counts as consumed long ago.
  is('consumed', closed.consumed, plan.first + published);
  is('abandoned', closed.abandoned, 0);
  for (const [name, { least, most }] of Object.entries(given(producers, published))) {
    const found = statistics[name as 'lost' | 'recovered' | 'aborted'];
    if (found < least || found > most) wrong.push(`${name}: ${found}, not ${least} to ${most}`);
  }
  // A single producer claims again what it gave up.
  const gaps = plan.options.producers === 'multi' ? statistics.aborted + statistics.recovered : 0;
  is('the cursor', statistics.cursor, plan.first + published + gaps);
  is('producers', statistics.producers, 0);
  is('stages', Object.keys(statistics.stages).join(), plan.stages.map(({ name }) => name).join());
  for (const [name, { lag, sequence }] of Object.entries(statistics.stages)) {
    is(`the lag of ${name}`, lag, 0);
    is(`the sequence of ${name}`, sequence, statistics.cursor);
  }
  return wrong;
}

/**
 * How many events were seen of producers: of each the first that it accepted, in order and without a gap, and all of who
 * closed.
 */
function publishedBy(producers: readonly Life[], places: Places, wrong: string[]): number {
  const next = new Map(producers.map(({ number }) => [number, 0]));
  for (const sequence of [...places.keys()].sort((a, b) => a - b)) {
    const [by = -1, n = -1] = (places.get(sequence) as string).split('/').map(Number);
    const due = next.get(by);
    if (n !== due) wrong.push(`${by}/${n} at ${sequence}, in place of ${by}/${due}`);
    next.set(by, n + 1);
  }
  for (const { number, state, accepted } of producers) {
    const found = next.get(number);
    if (state === ended && found !== accepted) {
      wrong.push(`events of producer ${number}: ${found}, of ${accepted} that it accepted`);
    }
  }
  return [...next.values()].reduce((sum, n) => sum + n, 0);
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
