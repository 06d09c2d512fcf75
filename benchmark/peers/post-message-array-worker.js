import { parentPort, workerData } from 'node:worker_threads';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { waitForRoom } from './bounded.js';

const { taken, first, warm, end, by } = workerData;
const quantity = QUANTITY;
const sending = new Sending();

/** One array, refilled: `postMessage` copies it, and copying 800 bytes costs less than handing them over. */
function publish(from, to) {
  let events = new Int32Array(2 * by);
  for (let id = from; id < to; ) {
    const count = Math.min(by, to - id);
    if (count < by) {
      events = new Int32Array(2 * count);
    }
    for (let index = 0; index < count; index++) {
      events[2 * index] = id++;
      events[2 * index + 1] = quantity;
    }
    waitForRoom(taken, id);
    parentPort.postMessage(events);
  }
}

publish(first, warm);
sending.begin();
publish(warm, end);
sending.end();
