/**
 * Runs every side once a round, in turn; each round begins with another side and every second one
 * goes backwards, so that no side always comes after the same neighbour or into the same state of
 * the machine. A side that fails is left out from then on, and the others go on.
 * @param {readonly import('./side.js').Side[]} sides
 * @param {import('./effort.js').Effort} effort
 * @param {(side: import('./side.js').Side, round: number, outcome: Record<string, number> | Error) => void} [report]
 * @returns {Promise<{ side: import('./side.js').Side, runs: Record<string, number>[], error: Error | null }[]>}
 */
export async function alternate(sides, effort, report = () => {}) {
  const outcomes = sides.map((side) => ({ side, runs: [], error: null }));
  for (let round = 0; round < effort.rounds; round++) {
    for (const outcome of inOrder(outcomes, round)) {
      if (outcome.error !== null) {
        continue;
      }
      try {
        const run = await outcome.side.run(effort);
        outcome.runs.push(run);
        report(outcome.side, round, run);
      } catch (error) {
        outcome.error = error;
        report(outcome.side, round, error);
      }
    }
  }
  return outcomes;
}

/** The order of a round; the first is the order they were declared in. */
export function inOrder(items, round) {
  const first = (round >> 1) % items.length;
  const turned = [...items.slice(first), ...items.slice(0, first)];
  return round % 2 === 0 ? turned : turned.reverse();
}
