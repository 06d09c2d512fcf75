import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

/** Publishes into all rings by turns, as fast as there is room. */
const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
const { handles, events } = workerData as { handles: unknown[]; events: number };
const producers = handles.map((handle) => Ring.attach(handle as never, definition).producer());
for (let n = 0; n < events; n++) {
  for (const producer of producers) {
    await producer.publish((event, value: number) => {
      event.n = value;
    }, n);
    producer.flush();
  }
}
