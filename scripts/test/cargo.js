import { readFileSync } from 'node:fs';
import { at } from '../root.js';
import { run } from '../run.js';

/**
 * Runs the unit, integration and doc tests of crates.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} crates their folders
 */
export const testCrates = (tally, crates) =>
  cargoTest(
    tally,
    crates.flatMap((folder) => ['-p', packageName(folder)]),
  );

const resultLine = /^test result: .* (\d+) passed; (\d+) failed/gm;
const ignoredLine = /^test (.+) \.\.\. ignored(?:, (.*))?$/gm;

/**
 * Runs `cargo test` and adds what its `test result:` lines say.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export async function cargoTest(tally, args, env) {
  let output = '';
  const onOutput = (text) => {
    output += text;
  };
  try {
    await run('cargo', ['test', '--no-fail-fast', ...args], { env, onOutput });
  } finally {
    for (const [, passed, failed] of output.matchAll(resultLine)) {
      tally.passed += Number(passed);
      tally.failed += Number(failed);
    }
    for (const [, name, why] of output.matchAll(ignoredLine)) {
      tally.skipped.push(`${name}: ${why ?? 'ignored without a reason'}`);
    }
  }
}

/** The name a crate's manifest gives it. @param {string} folder */
export function packageName(folder) {
  return readFileSync(at(folder, 'Cargo.toml'), 'utf8').match(/^name = "(.+)"$/m)[1];
}
