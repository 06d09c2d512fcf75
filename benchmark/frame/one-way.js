import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker, workerData } from 'node:worker_threads';

/** Milliseconds that a turn of the event loop goes on for behind an event. */
const TURNS = { ends: 0, '5ms': 5, flush: 5 };

/** Events before those that are counted. */
const WARM_UP = 100;

/** Threads of a process have this clock in common. Nanoseconds. */
const now = () => Number(process.hrtime.bigint());

/**
 * The worker's end of events that go one way: sends one a turn of its event loop, which it keeps busy behind it.
 * @param {(sent: number) => void} send
 */
export async function sendTimes(send) {
  const { count, turn } = workerData;
  for (let n = 0; n < WARM_UP + count; n++) {
    // The thread that receives has fallen asleep.
    await setTimeout(1);
    const sent = now();
    send(sent);
    const until = sent + TURNS[turn] * 1e6;
    while (now() < until);
  }
}

/**
 * The main thread's end: starts the worker with the number of events and the turn of the command line. `arrived` is to
 * be called with each event that has come, and prints what they took when that was the last.
 */
export async function startSending(script, data = {}) {
  const [count, turn] = process.argv.slice(2);
  const worker = new Worker(script, { workerData: { ...data, count: Number(count), turn } });
  const took = [];
  const arrived = (sent) => {
    if (took.push(Math.round(now() - sent)) < WARM_UP + Number(count)) {
      return;
    }
    const nanoseconds = took.slice(WARM_UP);
    process.stdout.write(`${JSON.stringify({ nanoseconds })}\n`, () => process.exit(0));
  };
  await once(worker, 'online');
  return { worker, arrived };
}
