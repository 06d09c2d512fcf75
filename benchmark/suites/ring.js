import { oneLine } from '../frame/one-line.js';
import { ours, peer } from '../frame/side.js';
import { cells } from './ring-cells.js';
import { ringSides } from './ring-sides.js';

const RATE = /** @type {const} */ ({ unit: 'events/s', better: 'higher' });

/** Our ways to wait; one that sleeps at once is left to the long run. */
const STRATEGIES = {
  quick: ['spin', 'yield', 'adaptive'],
  normal: ['spin', 'yield', 'adaptive'],
  long: ['spin', 'yield', 'adaptive', 'block'],
};

/** A strategy of a peer is a side of its own. */
const RINGS = ['disruptor-busy', 'disruptor-yield'];
const CHANNELS = ['crossbeam', 'kanal', 'std'];
const LMAX = ['lmax-busy', 'lmax-yield', 'lmax-block'];

/** A side that hangs is ended after this long beyond its window, warm-up included. */
const PATIENCE_SECONDS = 30;

/** Events of 8 bytes through a ring, from threads to threads. */
export const ring = {
  name: 'ring',
  effort: {
    quick: { rounds: 1, seconds: 0.5 },
    normal: { rounds: 1, seconds: 0.5 },
    long: { rounds: 5, seconds: 0.5 },
  },
  async experiments(level, tell) {
    const commands = await ringSides('ring', LMAX, tell);
    return cells(level).map((cell) => ({
      cases: { [cell.name]: RATE, ...(cell.crowded === null ? {} : { [cell.crowded]: RATE }) },
      sides: sides(cell, level, commands),
    }));
  },
};

/**
 * The sides of a cell. One run of a side that stands in both of its rows is the figure of both.
 * @param {import('./ring-cells.js').Cell} cell
 */
function sides(cell, level, { native, java }) {
  const alone = (rate) => ({ [cell.name]: rate });
  const both = (rate) =>
    cell.crowded === null ? alone(rate) : { ...alone(rate), [cell.crowded]: rate };
  const peers = (names, command, rows) =>
    names.map((name) =>
      peer(name, async (effort) => rows(await run([...command, name], cell, effort))),
    );
  return [
    ...STRATEGIES[level].map((strategy) =>
      ours(async (effort) => {
        const rate = await run([...native, 'ours'], cell, effort, ['--strategy', strategy]);
        return strategy === 'adaptive' ? both(rate) : alone(rate);
      }, strategy),
    ),
    ...peers(java === null ? [] : LMAX, java, alone),
    ...peers(RINGS, native, alone),
    ...peers(cell.graph === '1p1c' ? ['rtrb'] : [], native, alone),
    ...peers(CHANNELS, native, both),
    ...peers(['tokio'], native, alone),
  ];
}

/** One run in a fresh process; it has checked the sum and the count of what every consumer saw. */
async function run(command, { graph, batch, slots }, { seconds }, options = []) {
  const { eventsPerSecond } = await oneLine(
    [...command, graph, ...[batch, slots, seconds].map(String), ...options],
    PATIENCE_SECONDS + seconds,
  );
  return eventsPerSecond;
}
