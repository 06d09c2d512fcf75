import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { sendTimes } from '../frame/one-way.js';
import { times } from './ring-times.js';

const out = Ring.attach(workerData.ring, times).producer();

function write(event, sent) {
  event.sent = sent;
}

await sendTimes((sent) => {
  out.tryPublish(write, sent);
  if (workerData.turn === 'flush') {
    out.flush();
  }
});
