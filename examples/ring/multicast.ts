import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

//            ┌──► journal (worker)
//     main ──┼──► mirror  (worker)
//            └──► count   (worker)
const events = Ring.define({
  fields: { n: 'u32' },
  stages: { journal: {}, mirror: {}, count: {} }, // follow the producer, beside each other
});
type Name = keyof typeof events.stages;

async function publish(): Promise<void> {
  const ring = Ring.create({ ...events, capacity: 1024 });
  const url = new URL(import.meta.url);
  for (const stage of Object.keys(events.stages)) {
    new Worker(url, { workerData: { handle: ring.handle, stage } });
  }
  const out = ring.producer();
  const write = (event: { n: number }, n: number) => {
    event.n = n;
  };
  for (let n = 1; n <= 50_000; n++) {
    while (!out.tryPublish(write, n)) await out.ready(); // held back by the slowest of the three
  }
  await ring.close();
}

function consume(): void {
  const stage: Name = workerData.stage;
  let [seen, sum] = [0, 0];
  Ring.attach(workerData.handle, events)
    .consumer(stage)
    .run((event) => {
      seen += 1;
      sum += event.n;
    });
  console.log(`${stage}: ${seen} events, sum ${sum}`);
}

if (isMainThread) await publish();
else consume();
