import { Transfer } from '../frame/transfer.js';

const transfer = new Transfer();
const taken = new Int32Array(new SharedArrayBuffer(4));
let sum = 0;
let count = 0;

const worker = await transfer.start(new URL('post-message-array-worker.js', import.meta.url), {
  taken,
});
worker.on('message', function take(events) {
  if (!(events instanceof Int32Array)) {
    return;
  }
  for (let at = 0; at < events.length; at += 2) {
    sum = (sum + events[at] + events[at + 1]) | 0;
  }
  count += events.length >> 1;
  Atomics.store(taken, 0, count);
  Atomics.notify(taken, 0);
  transfer.progress(count);
  if (count === transfer.total) {
    transfer.finish(sum);
  }
});
