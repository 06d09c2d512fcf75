import { alternate } from './alternate.js';
import { middle } from './latencies.js';
import { rows } from './row.js';

/**
 * Sides that do the same work, and the cases that one run of them gives numbers for.
 * @typedef {object} Experiment
 * @property {Record<string, { unit: string, better: 'higher' | 'lower' }>} cases
 * @property {readonly import('./side.js').Side[]} sides
 * @property {string} [curve] the name under which a run of each side gives a curve of latencies as well
 */

/**
 * The curves of one experiment, for plots: no row holds them.
 * @typedef {object} Curves
 * @property {string} suite
 * @property {string} case
 * @property {{ role: 'ours' | 'peer' | 'limit', name: string, curve: import('./latencies.js').Curve }[]} sides
 */

/**
 * A suite: its experiments, and what each level of effort means to it.
 * @typedef {object} Suite
 * @property {string} name
 * @property {Record<'quick' | 'normal' | 'long', { rounds: number, seconds: number }>} effort
 * @property {readonly Experiment[] | Experiments} experiments
 */

/**
 * Builds what a suite's sides need that `npm run bench` did not, which is not counted as effort, and
 * gives the experiments of a level; `tell` gets a line for what has to be left out.
 * @typedef {(level: 'quick' | 'normal' | 'long', tell: (line: string) => void) => Promise<readonly Experiment[]>} Experiments
 */

/**
 * Runs a suite.
 * @param {Suite} suite
 * @param {{ level: 'quick' | 'normal' | 'long', pin: boolean }} options
 * @param {(line: string) => void} tell gets a line after every run
 * @returns {Promise<{ rows: import('./row.js').Row[], curves: Curves[], errors: Error[] }>}
 */
export async function runSuite(suite, { level, pin }, tell) {
  const effort = { ...suite.effort[level], pin };
  const made = { rows: [], curves: [], errors: [] };
  const { experiments } = suite;
  const chosen = typeof experiments === 'function' ? await experiments(level, tell) : experiments;
  for (const { cases, sides, curve } of chosen) {
    const outcomes = await alternate(sides, effort, (side, round, outcome) => {
      tell(`${suite.name} ${round + 1}/${effort.rounds} ${side.name}: ${inWords(outcome)}`);
    });
    made.rows.push(...rows(suite.name, cases, outcomes));
    if (curve !== undefined) {
      made.curves.push({ suite: suite.name, case: curve, sides: curvesOf(outcomes, curve) });
    }
    made.errors.push(...outcomes.flatMap(({ error }) => (error === null ? [] : [error])));
  }
  return made;
}

function curvesOf(outcomes, name) {
  return outcomes
    .filter(({ runs }) => runs.length > 0)
    .map(({ side, runs }) => ({
      role: side.role,
      name: side.name,
      curve: middle(runs.map((run) => run[name])),
    }));
}

function inWords(outcome) {
  if (outcome instanceof Error) {
    return `failed: ${outcome.message}`;
  }
  return Object.entries(outcome)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, number]) => `${name} ${Number(number.toPrecision(4))}`)
    .join(', ');
}
