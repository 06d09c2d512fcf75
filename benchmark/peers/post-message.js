import { Transfer } from '../frame/transfer.js';

const HIGH = 2 ** 32;

const transfer = new Transfer();
const taken = new Int32Array(new SharedArrayBuffer(4));
let sum = 0;
let count = 0;

const worker = await transfer.start(new URL('post-message-worker.js', import.meta.url), { taken });
worker.on('message', function take(event) {
  if (typeof event !== 'number') {
    return;
  }
  sum = (sum + (event | 0) + ((event / HIGH) | 0)) | 0;
  count++;
  if ((count & 1023) === 0 || count === transfer.total) {
    Atomics.store(taken, 0, count);
    Atomics.notify(taken, 0);
    transfer.progress(count);
  }
  if (count === transfer.total) {
    transfer.finish(sum);
  }
});
