import { test } from '@jest/globals';
import { askedSeed, forSeeds } from './budget.js';
import { graphOf, graphs } from './plan.js';
import { Round } from './round.js';

const asked = askedSeed === undefined ? graphs : [graphOf(askedSeed)];
const base = (Date.now() % 2 ** 29) * graphs.length;

test.each(asked)(
  '%s: every event comes to every stage once, whoever comes, goes, fails or is terminated',
  async (graph) => {
    await forSeeds(
      { seconds: 9, longer: 480, file: 'rounds' },
      (n) => base + n * graphs.length + graphs.indexOf(graph),
      (seed) => new Round(seed).run(),
    );
  },
  2_000_000,
);
