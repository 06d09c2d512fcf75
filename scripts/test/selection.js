import { filesBelow } from '../build/files.js';

/**
 * Which tests a run is about: those whose path contains one of the patterns, or all.
 *
 * @param {string[]} patterns such as `ring`, `crates/park` or `__test__/batch/take`
 * @returns {{ crates: string[], models: string[], frame: string[], files: string[] }} folders of
 *   crates, loom models, tests of the benchmarks' frame and jest's sources, all relative to the root
 */
export function select(patterns) {
  const wanted = (path) =>
    patterns.length === 0 || patterns.some((pattern) => path.includes(pattern));
  const rust = filesBelow(['crates', 'benchmark/native']).map(withSlashes);
  return {
    crates: rust.flatMap((path) => path.match(/^(.+)\/Cargo\.toml$/)?.[1] ?? []).filter(wanted),
    models: rust.filter((path) => /\/tests\/loom_\w+\.rs$/.test(path)).filter(wanted),
    frame: filesBelow(['benchmark/frame'])
      .map(withSlashes)
      .filter((path) => path.endsWith('.test.js') && wanted(path)),
    files: filesBelow(['__test__'])
      .map(withSlashes)
      .filter((path) => path.endsWith('.test.ts') && wanted(path)),
  };
}

const withSlashes = (path) => path.replaceAll('\\', '/');
