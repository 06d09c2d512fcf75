import { parentPort, workerData } from 'node:worker_threads';
import { ProducerRole, type Producing } from './producing.js';

const role = new ProducerRole(workerData as Producing, () => process.exit());
// Who ends by itself has nothing left to do.
process.on('exit', () => role.settle());
await role.run();
parentPort?.postMessage('over');
