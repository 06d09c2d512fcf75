/** Seeds and time of the stress tests; CONTRIBUTING.md, "Tests", tells how to ask for them. */

import { again } from './again.js';
import { Watch } from './watch.js';

const asked = process.env.MILLRACE_STRESS_SEED;

/** The one seed that was asked for. */
export const askedSeed: number | undefined = asked === undefined ? undefined : Number(asked) >>> 0;

/** Whether this run may take an hour (`npm test -- … --long`). */
export const long: boolean = process.env.MILLRACE_STRESS === 'long';

/** How many times a seed that was asked for is run: threads do not meet the same way each time. */
const REPEATS = 20;

/**
 * Calls `work` with one seed after the other until the time is up, or with the one that was asked for.
 *
 * @param seconds How long, in a normal run.
 * @param longer How long in a long one.
 * @param seeds The n-th seed.
 * @throws What `work` throws, with how to run it again.
 */
export async function forSeeds(
  { seconds, longer, file }: { seconds: number; longer: number; file: string },
  seeds: (n: number) => number,
  work: (seed: number) => Promise<void>,
): Promise<void> {
  const until = performance.now() + (long ? longer : seconds) * 1000;
  const more = (n: number) =>
    askedSeed === undefined ? performance.now() < until || n === 0 : n < REPEATS;
  const watch = new Watch(file);
  try {
    for (let n = 0; more(n); n++) {
      const seed = askedSeed ?? seeds(n);
      watch.begin(seed);
      try {
        await work(seed);
      } catch (error) {
        if (error instanceof Error) error.message += `\n${again(seed, file)}`;
        throw error;
      }
    }
  } finally {
    await watch.close();
  }
}
