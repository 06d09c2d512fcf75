import { setTimeout } from 'node:timers/promises';
import { Transfer } from '../frame/transfer.js';
import { CURSOR, GATE, HEADER, SLOTS } from './hand-loop-layout.js';

const transfer = new Transfer();
const shared = new SharedArrayBuffer(4 * (HEADER + 2 * SLOTS));
const words = new Int32Array(shared);
await transfer.start(new URL('hand-loop-worker.js', import.meta.url), { shared });

/** A function that is called again and again, as in the worker. */
function read(sequence, end) {
  let sum = 0;
  for (; sequence !== end; sequence = (sequence + 1) | 0) {
    const at = HEADER + ((sequence & (SLOTS - 1)) << 1);
    sum = (sum + words[at] + words[at + 1]) | 0;
  }
  return sum;
}

function consume(from, to) {
  let sequence = from;
  let sum = 0;
  while (sequence < to) {
    const end = Atomics.load(words, CURSOR);
    if (end === sequence) {
      continue;
    }
    sum = (sum + read(sequence, end)) | 0;
    sequence = end;
    Atomics.store(words, GATE, sequence);
    transfer.progress(sequence);
  }
  return sum;
}

const sum = consume(0, transfer.total);
await setTimeout(0);
await transfer.finish(sum);
