import { Transfer } from '../frame/transfer.js';

const HIGH = 2 ** 32;

const transfer = new Transfer();
let sum = 0;
let count = 0;

for (let i = 0; i < transfer.producers; i++) {
  await receive();
}

/** From a worker more, which is told every 1024 of its events that there is room. */
async function receive() {
  const taken = new Int32Array(new SharedArrayBuffer(4));
  let own = 0;
  const data = { taken, senders: transfer.producers };
  const worker = await transfer.start(new URL('post-message-worker.js', import.meta.url), data);
  worker.on('message', function take(event) {
    if (typeof event !== 'number') {
      return;
    }
    sum = (sum + (event | 0) + ((event / HIGH) | 0)) | 0;
    count++;
    own++;
    if ((own & 1023) === 0 || count === transfer.total) {
      Atomics.store(taken, 0, own);
      Atomics.notify(taken, 0);
      transfer.progress(count);
    }
    if (count === transfer.total) {
      transfer.finish(sum);
    }
  });
}
