import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { at } from '../root.js';

const file = at('build', 'lock');

/**
 * Lets one build of this checkout work at a time, so that `npm start` beside `npm test` is safe.
 *
 * @template T
 * @param {() => Promise<T>} work
 */
export async function alone(work) {
  mkdirSync(at('build'), { recursive: true });
  for (let told = false; !take(); told = true) {
    if (!told) console.log('millrace: waiting for another build of this checkout');
    await sleep(200);
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!ownerLives()) rmSync(file, { force: true });
    return false;
  }
}

function ownerLives() {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    // No such process, or the file went away, which the next try finds out.
    return error.code === 'EPERM';
  }
}
