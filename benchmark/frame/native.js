import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Where cargo puts the load generators; `npm run bench` at the root builds them. */
export function nativeProgram() {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  const program = join(target, 'release/millrace-bench');
  if (!existsSync(program)) {
    throw new Error(`${program} is missing: cargo build --release -p millrace-bench`);
  }
  return program;
}

/**
 * The command that runs `command` on one core only, when a core is given.
 * @param {number | null} core
 * @param {readonly string[]} command
 */
export function onCore(core, command) {
  return core === null ? [...command] : [nativeProgram(), 'pin', String(core), ...command];
}
