import { parentPort, workerData } from 'node:worker_threads';
import { Listener } from 'millrace';

/** Answers the tokens it is sent. */
const listener = Listener.attach(workerData.listener);
parentPort?.on('message', (tokens: number[]) => {
  for (const token of tokens) listener.reply(token, 'from the worker');
});
parentPort?.postMessage('ready');
