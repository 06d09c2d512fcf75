import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, native, Ring, Scheduler } from 'millrace';
import { DIGEST } from './plan.js';

/** What a thread that runs the native stage is asked for. */
export interface Hashing {
  readonly handle: unknown;
  readonly records: boolean;
}

const { handle, records } = workerData as Hashing;
const ring = (records ? ByteRing : Ring).attach(handle as never);
const scheduler = Scheduler.create();
const from = records ? {} : { from: 'raw' };
await ring.run(DIGEST, native.hash('sha256', { ...from, to: 'digest' }), { scheduler });
await scheduler.close();
parentPort?.postMessage('over');
