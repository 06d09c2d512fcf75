import { parentPort, workerData } from 'node:worker_threads';
import { ConsumerRole, type Consuming } from './consuming.js';

const tell = (problem: string) => parentPort?.postMessage({ problem });
await new ConsumerRole(workerData as Consuming, true, tell).run();
parentPort?.postMessage('over');
