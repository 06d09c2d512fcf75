import { parentPort } from 'node:worker_threads';
import { ByteRing, Ring } from 'millrace';

/** Publishes into each ring it is sent until the ring is closed, and answers how many events were accepted. */
parentPort?.on('message', ({ handle, bytes, flush }) => {
  const ring = bytes ? ByteRing.attach(handle) : Ring.attach(handle);
  const out = ring.producer();
  const publish =
    'maxPayload' in out ? () => out.tryPublish('record') : () => out.tryPublish(() => {});
  let accepted = 0;
  try {
    for (;;) {
      if (publish()) accepted += 1;
      else out.flush();
      if (accepted % flush === 0) out.flush();
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MILLRACE_CLOSED') throw error;
  }
  ring.detach();
  parentPort?.postMessage(accepted);
});
parentPort?.postMessage('ready');
