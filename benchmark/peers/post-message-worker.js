import { parentPort, workerData } from 'node:worker_threads';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { waitForRoom } from './bounded.js';

const HIGH = 2 ** 32;

const { taken, senders, first, warm, end } = workerData;
const quantity = QUANTITY;
const sending = new Sending();

function publish(from, to) {
  for (let id = from; id < to; id++) {
    if (((id - first) & 1023) === 0) {
      waitForRoom(taken, id - first + 1024, senders);
    }
    parentPort.postMessage(quantity * HIGH + id);
  }
}

publish(first, warm);
sending.begin();
publish(warm, end);
sending.end();
