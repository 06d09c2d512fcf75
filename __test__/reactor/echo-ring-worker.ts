import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Listener } from 'millrace';

/** Answers the records of a ring by their token, from a thread of its own; stops when the ring ends. */
const records = ByteRing.attach(workerData.records);
const listener = Listener.attach(workerData.listener);
const large = Buffer.alloc(workerData.largeBytes, 'large ');
parentPort?.postMessage('ready');
for await (const batch of records.consumer('answer')) {
  for (const record of batch as Iterable<{ reply: number; bytes: Buffer }>) {
    const text = record.bytes.toString();
    listener.reply(record.reply, text === 'large' ? large : text, { end: text === 'last' });
  }
}
listener.detach();
records.detach();
