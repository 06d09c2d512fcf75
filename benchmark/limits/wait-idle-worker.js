import { workerData } from 'node:worker_threads';
import { Seeing } from '../frame/idle.js';

const { words, slice } = workerData;
const seeing = new Seeing();

for (let seen = 0; ; ) {
  for (const sent = Atomics.load(words, 0); seen < sent; seen++) {
    seeing.one();
  }
  Atomics.wait(words, 0, seen, slice);
}
