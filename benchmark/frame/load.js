import { Child } from './child.js';
import { nativeProgram } from './native.js';

/**
 * Runs a native load generator to its end.
 * @param {readonly (string | number)[]} command name and arguments, see `millrace-bench`
 * @param {{ core?: number | null, begin?: () => Promise<unknown>, end?: () => Promise<unknown> }} options
 *   `begin` and `end` are called, still under load, at the two ends of the measuring window
 * @returns {Promise<{ rate: number, p50: number, p99: number, p999: number, answered: number, begin: any, end: any }>}
 */
export async function load(command, { core = null, begin = async () => {}, end = async () => {} }) {
  const child = new Child([nativeProgram(), ...command.map(String)], { core });
  await child.line();
  const began = await begin();
  const { rate, p50, p99, p999 } = await child.line();
  const ended = await end();
  const { answered, errors } = await child.line();
  await child.end();
  if (errors > 0) {
    throw new Error(`${errors} of ${answered + errors} answers were errors`);
  }
  return { rate, p50, p99, p999, answered, begin: began, end: ended };
}
