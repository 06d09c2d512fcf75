import { workerData } from 'node:worker_threads';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { CURSOR, GATE, HEADER, SLOTS } from './hand-loop-layout.js';

const { shared, first, warm, end, by } = workerData;
const words = new Int32Array(shared);
const quantity = QUANTITY;
const sending = new Sending();

/** A function that is called again and again: V8 compiles a loop that it finds running several times worse. */
function write(sequence, end) {
  for (; sequence < end; sequence++) {
    const at = HEADER + ((sequence & (SLOTS - 1)) << 1);
    words[at] = first + sequence;
    words[at + 1] = quantity;
  }
}

/** Ids count from `first`, sequences from 0. */
function publish(from, to) {
  let gate = Atomics.load(words, GATE);
  for (let sequence = from - first; sequence < to - first; ) {
    const count = Math.min(by, to - first - sequence);
    while (((sequence - gate) | 0) + count > SLOTS) {
      gate = Atomics.load(words, GATE);
    }
    write(sequence, sequence + count);
    sequence += count;
    Atomics.store(words, CURSOR, sequence);
  }
}

publish(first, warm);
sending.begin();
publish(warm, end);
sending.end();
