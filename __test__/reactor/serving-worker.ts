import { parentPort, workerData } from 'node:worker_threads';
import { Reactor } from 'millrace';

/** A thread with a reactor and a listener of its own, which echoes. */
const reactor = Reactor.create();
const listener = await reactor.listen({ port: workerData.port });
listener.serve({ message: (_connection, message) => message.reply(message.bytes) });
parentPort?.postMessage(listener.port);
