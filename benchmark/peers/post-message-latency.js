import { startAsking } from '../frame/round-trips.js';

const worker = await startAsking(new URL('post-message-latency-worker.js', import.meta.url));
worker.on('message', (event) => {
  if (typeof event === 'number') {
    worker.postMessage(event);
  }
});
