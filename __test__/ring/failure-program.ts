import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { type ErrorKind, thrown } from './failures.js';

/** Runs a stage of a ring whose handler throws at its first event, and tells what this thread is told of it then. */
const { handle, stage, kind } = workerData as { handle: never; stage: never; kind: ErrorKind };
const ring = Ring.attach(handle);
const error = thrown[kind]();
let same = false;
try {
  ring.consumer(stage).run(() => {
    throw error;
  });
} catch (caught) {
  same = caught === error;
}
let cause: unknown;
try {
  ring.join('late' as never);
} catch (caught) {
  ({ cause } = caught as Error);
}
// Another attachment of this thread is told the same, too.
const again = Ring.attach(handle);
let causeAgain: unknown;
try {
  again.join('late' as never);
} catch (caught) {
  ({ cause: causeAgain } = caught as Error);
}
again.detach();
ring.detach();
parentPort?.postMessage({ same, isCause: cause === error, isCauseAgain: causeAgain === error });
