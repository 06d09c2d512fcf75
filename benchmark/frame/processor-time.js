import { readdir, readFile } from 'node:fs/promises';

/**
 * Nanoseconds that each thread of a process has had a processor, by thread. Read from outside, so
 * that looking costs the process nothing; it is what `getrusage` adds up.
 * @returns {Promise<Map<string, number>>}
 */
export async function threadTimes(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (thread) => [thread, await threadTime(pid, thread)]),
  );
  return new Map(times.filter(([, time]) => time !== null));
}

/** Null of a thread that has ended meanwhile. */
async function threadTime(pid, thread) {
  try {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    return Number(text.split(' ', 1)[0]);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') {
      return null;
    }
    throw error;
  }
}

/** Nanoseconds between two readings, of the threads that were there at the end. */
export function spent(before, after) {
  return [...after].reduce((sum, [thread, time]) => sum + time - (before.get(thread) ?? 0), 0);
}
