import { alternate } from './alternate.js';
import { rows } from './row.js';

/**
 * Sides that do the same work, and the cases that one run of them gives numbers for.
 * @typedef {object} Experiment
 * @property {Record<string, { unit: string, better: 'higher' | 'lower' }>} cases
 * @property {readonly import('./side.js').Side[]} sides
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
 * @returns {Promise<{ rows: import('./row.js').Row[], errors: Error[] }>}
 */
export async function runSuite(suite, { level, pin }, tell) {
  const effort = { ...suite.effort[level], pin };
  const made = { rows: [], errors: [] };
  const { experiments } = suite;
  const chosen = typeof experiments === 'function' ? await experiments(level, tell) : experiments;
  for (const { cases, sides } of chosen) {
    const outcomes = await alternate(sides, effort, (side, round, outcome) => {
      tell(`${suite.name} ${round + 1}/${effort.rounds} ${side.name}: ${inWords(outcome)}`);
    });
    made.rows.push(...rows(suite.name, cases, outcomes));
    made.errors.push(...outcomes.flatMap(({ error }) => (error === null ? [] : [error])));
  }
  return made;
}

function inWords(outcome) {
  if (outcome instanceof Error) {
    return `failed: ${outcome.message}`;
  }
  return Object.entries(outcome)
    .map(([name, number]) => `${name} ${Number(number.toPrecision(4))}`)
    .join(', ');
}
