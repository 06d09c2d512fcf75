import { EVENTS, startIdle } from '../frame/idle.js';

const workers = await startIdle(
  new URL('post-message-idle-worker.js', import.meta.url),
  () => ({}),
);
for (let number = 0; number < EVENTS; number++) {
  for (const worker of workers) {
    worker.postMessage(number);
  }
}
