import { workerData } from 'node:worker_threads';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { CURSOR, GATE, HEADER, SLOTS } from './hand-loop-layout.js';

const { shared, total, by, warm } = workerData;
const words = new Int32Array(shared);
const sending = new Sending();

function publish(from, to) {
  let gate = Atomics.load(words, GATE);
  for (let sequence = from; sequence < to; ) {
    const count = Math.min(by, to - sequence);
    while (((sequence - gate) | 0) + count > SLOTS) {
      gate = Atomics.load(words, GATE);
    }
    for (let index = 0; index < count; index++) {
      const at = HEADER + (((sequence + index) & (SLOTS - 1)) << 1);
      words[at] = sequence + index;
      words[at + 1] = QUANTITY;
    }
    sequence += count;
    Atomics.store(words, CURSOR, sequence);
  }
}

publish(0, warm);
sending.begin();
publish(warm, total);
sending.end();
