import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { Child } from '../frame/child.js';
import { spent, threadTimes } from '../frame/processor-time.js';
import { limit, ours, peer } from '../frame/side.js';
import { ringSides } from './ring-sides.js';

const LMAX = ['lmax-busy', 'lmax-yield', 'lmax-sleep', 'lmax-block'];

/** Native cases: our strategy, and LMAX's that waits alike. */
const NATIVE = {
  adaptive: 'lmax-sleep',
  block: 'lmax-block',
  yield: 'lmax-yield',
  spin: 'lmax-busy',
};

/**
 * Seconds from the line that says that all wait until measuring begins: compilers and garbage
 * collectors, which work on for a while, have ended by then.
 */
const SETTLING = 2.5;

/** Five consumers that wait for nothing, each on a thread of its own. */
export const ringIdle = {
  name: 'ring-idle',
  effort: {
    quick: { rounds: 1, seconds: 3 },
    normal: { rounds: 3, seconds: 4 },
    long: { rounds: 9, seconds: 5 },
  },
  async experiments(_, tell) {
    const { native, java } = await ringSides('ring-idle', LMAX, tell);
    return [
      ...Object.entries(NATIVE).map(([strategy, lmax]) =>
        experiment(`native/${strategy}`, [
          [ours, (seconds) => [...native, 'idle', strategy, seconds]],
          ...(java === null
            ? []
            : [[named(peer, lmax), (seconds) => [...java, 'idle', lmax, seconds]]]),
        ]),
      ),
      experiment('event-loop', [
        [ours, () => script('ours/ring-idle.js', 'for-await')],
        [named(peer, 'postMessage'), () => script('peers/post-message-idle.js')],
      ]),
      experiment('worker-run', [
        [ours, () => script('ours/ring-idle.js', 'run')],
        [named(limit, 'atomics-wait'), () => script('limits/wait-idle.js')],
        [named(limit, 'atomics-wait-120ms'), () => script('limits/wait-idle.js', '120')],
      ]),
    ];
  },
};

const named = (role, name) => (run) => role(name, run);

const script = (file, ...options) => [
  process.execPath,
  join(import.meta.dirname, '..', file),
  ...options,
];

/** @param {[(run: import('../frame/side.js').Side['run']) => import('../frame/side.js').Side, (seconds: string) => string[]][]} ways */
function experiment(row, ways) {
  return {
    cases: { [row]: { unit: '% of a core', better: 'lower' } },
    sides: ways.map(([side, command]) =>
      side(async ({ seconds }) => ({ [row]: await idle(command, seconds) })),
    ),
  };
}

/** Percent of a core that a process takes whose consumers wait. */
async function idle(command, seconds) {
  // What ends by itself ends late enough.
  const child = new Child(command(String(SETTLING + 2 * seconds)));
  try {
    await child.line();
    await setTimeout(SETTLING * 1e3);
    const [before, began] = [await threadTimes(child.pid), performance.now()];
    await setTimeout(seconds * 1e3);
    const [after, ended] = [await threadTimes(child.pid), performance.now()];
    child.mustLive();
    return spent(before, after) / 1e4 / (ended - began);
  } finally {
    await child.stop(0);
  }
}
