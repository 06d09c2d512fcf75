import { Child } from './child.js';

/**
 * What a program prints that does one run and ends: a line of JSON.
 * @param {readonly string[]} command
 * @param {number} patience seconds after which a program that hangs is ended, which fails the run
 */
export async function oneLine(command, patience) {
  const child = new Child(command);
  const late = setTimeout(() => child.stop(0), patience * 1e3);
  try {
    const line = await child.line();
    await child.end();
    return line;
  } finally {
    clearTimeout(late);
  }
}
