import { parentPort, workerData } from 'node:worker_threads';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { waitForRoom } from './bounded.js';

const HIGH = 2 ** 32;

const { taken, total, warm } = workerData;
const sending = new Sending();

function publish(from, to) {
  for (let id = from; id < to; id++) {
    if ((id & 1023) === 0) {
      waitForRoom(taken, id + 1024);
    }
    parentPort.postMessage(QUANTITY * HIGH + id);
  }
}

publish(0, warm);
sending.begin();
publish(warm, total);
sending.end();
