import { basename } from 'node:path';
import { cargoTest, packageName } from './cargo.js';

/**
 * Explores the loom models. They are built with `--cfg loom`, which swaps the atomics underneath,
 * and so in a target folder of their own: sharing one would rebuild everything both ways each time.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} models files named crates/<part>/tests/loom_<what>.rs
 */
export async function exploreModels(tally, models) {
  const crateOf = (model) => model.replace(/\/tests\/.*/, '');
  for (const crate of new Set(models.map(crateOf))) {
    const tests = models
      .filter((model) => crateOf(model) === crate)
      .flatMap((model) => ['--test', basename(model, '.rs')]);
    await tally.of(`the models of ${crate}`, () =>
      cargoTest(tally, ['--release', '-p', packageName(crate), ...tests], environment()),
    );
  }
}

const environment = () => ({
  RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} --cfg loom`.trim(),
  CARGO_TARGET_DIR: `${process.env.CARGO_TARGET_DIR ?? 'target'}/loom`,
  // The release profile is made for the addon; models need its speed but not its slow linking.
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_STRIP: 'none',
  // Almost all known faults need no more than three; without a bound the search does not end.
  LOOM_MAX_PREEMPTIONS: process.env.LOOM_MAX_PREEMPTIONS ?? '3',
});
