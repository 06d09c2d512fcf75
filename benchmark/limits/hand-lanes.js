import { setTimeout } from 'node:timers/promises';
import { Transfer } from '../frame/transfer.js';
import { CURSOR, GATE, HEADER, SLOTS } from './hand-loop-layout.js';

const transfer = new Transfer();
const lanes = [];
for (let i = 0; i < transfer.producers; i++) {
  const shared = new SharedArrayBuffer(4 * (HEADER + 2 * SLOTS));
  await transfer.start(new URL('hand-loop-worker.js', import.meta.url), { shared });
  lanes.push({ words: new Int32Array(shared), sequence: 0 });
}

let sum = 0;

/** Takes what is ready in a lane; how much it was. */
function take(lane) {
  const { words } = lane;
  const end = Atomics.load(words, CURSOR);
  let { sequence } = lane;
  const count = (end - sequence) | 0;
  if (count === 0) {
    return 0;
  }
  for (; sequence !== end; sequence = (sequence + 1) | 0) {
    const at = HEADER + ((sequence & (SLOTS - 1)) << 1);
    sum = (sum + words[at] + words[at + 1]) | 0;
  }
  lane.sequence = sequence;
  Atomics.store(words, GATE, sequence);
  return count;
}

/** Goes round the lanes; each worker has one to itself, so that no two ever write the same word. */
function consume(total) {
  for (let count = 0; count < total; transfer.progress(count)) {
    for (const lane of lanes) {
      count += take(lane);
    }
  }
}

consume(transfer.total);
await setTimeout(0);
await transfer.finish(sum);
