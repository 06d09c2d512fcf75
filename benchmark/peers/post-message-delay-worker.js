import { parentPort } from 'node:worker_threads';
import { sendTimes } from '../frame/one-way.js';

await sendTimes((sent) => parentPort.postMessage(sent));
