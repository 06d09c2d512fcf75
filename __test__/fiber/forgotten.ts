import { setImmediate } from 'node:timers/promises';
import { ByteRing, native, Scheduler } from 'millrace';
import { binding } from '#dist/native/binding.js';

/** Forgets schedulers, and prints what becomes of them. Needs --expose-gc. */
const warnings: unknown[] = [];
process.on('warning', (warning) => {
  warnings.push([(warning as NodeJS.ErrnoException).code, warning.message]);
});

const ring = ByteRing.create({
  capacity: 1024,
  header: { digest: 'bytes(32)' },
  stages: { digest: { writes: ['digest'] } },
});

async function collect(rounds: number, until = () => false): Promise<void> {
  for (let i = 0; i < rounds && !until(); i++) {
    globalThis.gc?.();
    await setImmediate();
  }
}

/** The schedulers that run, by their numbers in native code: 1 is the first that was made here. */
function alive(): number[] {
  return [1, 2, 3, 4].filter((number) => {
    try {
      return binding.schedulerTotals(number).length > 0;
    } catch {
      return false;
    }
  });
}

const closed = (() => Scheduler.create().close())();
// Its work alone keeps a scheduler.
const done = (() => {
  const scheduler = Scheduler.create();
  return ring.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
})();
await closed;
await collect(50);
const kept = { alive: alive(), warnings: [...warnings] };

(() => {
  Scheduler.create();
  Scheduler.create();
})();
const made = alive();
await collect(200, () => alive().length === 1);
await collect(5);
const left = alive();
await ring.close();
await done;
console.log(JSON.stringify({ kept, made, left, warnings }));
