import { cargoProgram, mavenProgram } from '../frame/build.js';

/**
 * Nothing is allocated while events move. A collector without threads of its own leaves both cores to
 * them.
 */
const JAVA_OPTIONS = ['-XX:+UseSerialGC', '-Xms256m', '-Xmx256m', '-XX:+AlwaysPreTouch'];

/**
 * Builds the native sides of the ring's suites, and those of LMAX where there is Java and Maven; a
 * line to `tell` says what has to be left out.
 * @param {string} suite
 * @param {readonly string[]} lmax names of LMAX's sides
 * @param {(line: string) => void} tell
 * @returns {Promise<{ native: string[], java: string[] | null }>} what a command begins with
 */
export async function ringSides(suite, lmax, tell) {
  const native = [await cargoProgram('ring-peers', 'ring-peers')];
  const program = await mavenProgram('peers/lmax');
  if ('missing' in program) {
    tell(`${suite}: left out ${lmax.join(', ')}: ${program.missing}`);
    return { native, java: null };
  }
  const java = ['java', ...JAVA_OPTIONS, '-cp', program.classPath, 'millrace.bench.Main'];
  return { native, java };
}
