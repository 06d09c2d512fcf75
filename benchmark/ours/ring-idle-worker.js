import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { Seeing } from '../frame/idle.js';

const { ring, stage, way } = workerData;
const consumer = Ring.attach(ring).consumer(stage);
const seeing = new Seeing();

if (way === 'run') {
  consumer.run(() => seeing.one());
} else {
  for await (const batch of consumer) {
    for (const _ of batch) {
      seeing.one();
    }
  }
}
