import { figure } from './figure.js';
import { ratio } from './ratio.js';

/**
 * One case's outcome, as it is printed and written.
 * @typedef {object} Row
 * @property {string} suite
 * @property {string} case
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {OurFigure | null} ours null when our side failed
 * @property {Record<string, import('./figure.js').Figure>} peers
 * @property {Record<string, import('./figure.js').Figure>} limits
 * @property {number | null} ratio against the best peer's median; null without peers
 * @property {number | null} ofLimit against the best limit's median; null without limits
 */

/**
 * Our figure; where we have several ways, the best by its median, with the name of the way.
 * @typedef {import('./figure.js').Figure & { variant?: string }} OurFigure
 */

/**
 * The rows of one experiment.
 * @param {string} suite
 * @param {Record<string, { unit: string, better: 'higher' | 'lower' }>} cases
 * @param {readonly { side: import('./side.js').Side, runs: readonly Record<string, number>[] }[]} outcomes
 * @returns {Row[]}
 */
export function rows(suite, cases, outcomes) {
  return Object.entries(cases).map(([name, { unit, better }]) => {
    const figures = { ours: {}, peer: {}, limit: {} };
    for (const { side, runs } of outcomes) {
      const numbers = runs.map((run) => run[name]).filter((number) => number !== undefined);
      if (numbers.length > 0) {
        const variant = side.variant === null ? {} : { variant: side.variant };
        figures[side.role][side.name] = { ...figure(numbers), ...variant };
      }
    }
    const ours = best(Object.values(figures.ours), better);
    return {
      suite,
      case: name,
      unit,
      better,
      ours,
      peers: figures.peer,
      limits: figures.limit,
      ratio: againstBest(ours, figures.peer, better),
      ofLimit: againstBest(ours, figures.limit, better),
    };
  });
}

/** The figure whose median is best; null of none. */
function best(figures, better) {
  return figures.reduce(
    (found, next) =>
      found === null || ratio(next.median, found.median, better) > 1 ? next : found,
    null,
  );
}

/** The best of the others is the one that makes us look worst. */
function againstBest(ours, others, better) {
  const medians = Object.values(others).map((other) => other.median);
  if (ours === null || medians.length === 0) {
    return null;
  }
  return Math.min(...medians.map((median) => ratio(ours.median, median, better)));
}
