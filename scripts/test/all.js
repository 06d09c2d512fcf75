import { testCrates } from './cargo.js';
import { testFrame } from './frame.js';
import { runJest } from './jest.js';
import { exploreModels } from './loom.js';
import { select } from './selection.js';

/**
 * Runs the tests that the patterns select, of every kind.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} [patterns] parts of paths; none selects all
 */
export async function runTests(tally, patterns = []) {
  const { crates, models, frame, files } = select(patterns);
  if (crates.length > 0) await tally.of('cargo test', () => testCrates(tally, crates));
  if (models.length > 0) await exploreModels(tally, models);
  if (frame.length > 0) await tally.of('benchmark frame', () => testFrame(tally, frame));
  if (files.length > 0) await runJest(tally, files);
  if (crates.length + models.length + frame.length + files.length === 0) {
    console.log(`no test has a path with ${patterns.join(' or ')}`);
  }
}
