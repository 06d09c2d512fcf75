import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing } from 'millrace';

/** Commits claims of so many bytes, the last of which stays open, in part written. */
export interface Asked {
  readonly handle: never;
  readonly sizes: readonly number[];
  readonly text: string;
}

const { handle, sizes, text } = workerData as Asked;
const out = ByteRing.attach<{ n: 'u8' }, { read: object }>(handle).producer();
for (const [i, size] of sizes.entries()) {
  const claim = await out.claim(size);
  claim.header.n = i;
  const used = claim.bytes.write(text);
  if (i < sizes.length - 1) claim.commit(used);
}
parentPort?.postMessage('open');
setInterval(() => out, 1000);
