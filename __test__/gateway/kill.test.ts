import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';

const KILLS = 10;
const CLIENTS = 4;
const PIPELINE = 32;

const directory = temporaryDirectory();
afterAll(() => directory.remove());

/** Writes until the connection breaks; every answered id goes to `answered`. */
async function write(redis: Redis, stream: string, answered: Set<string>): Promise<void> {
  for (;;) {
    const ids = Array.from({ length: PIPELINE }, () => redis.xadd(stream, '*', 'a', '1', 'b', '2'));
    const settled = await Promise.allSettled(ids);
    for (const result of settled)
      if (result.status === 'fulfilled') answered.add(result.value as string);
    if (settled.some(({ status }) => status === 'rejected')) return;
  }
}

async function stored(redis: Redis, stream: string): Promise<Set<string>> {
  return new Set((await redis.xrange(stream, '-', '+')).map(([id]) => id));
}

test('every answered id is found after each of ten deaths in the middle of a load', async () => {
  const answered = Array.from({ length: CLIENTS }, () => new Set<string>());
  let total = 0;
  for (let round = 0; round <= KILLS; round++) {
    const gateway = await GatewayProcess.start(['--data', `${directory.path}/data`]);
    const connect = () =>
      new Redis(gateway.port, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    const redis = connect().on('error', () => {});
    for (const [i, ids] of answered.entries()) {
      const found = await stored(redis, `s${i}`);
      expect([...ids].filter((id) => !found.has(id))).toEqual([]);
      expect([...found].sort()).toHaveLength(found.size);
    }
    redis.disconnect();
    if (round === KILLS) {
      await gateway.drain();
      break;
    }
    const clients = answered.map(() => connect().on('error', () => {}));
    const writers = clients.map((client, i) => write(client, `s${i}`, answered[i] as Set<string>));
    const goal = total + 500 + Math.floor(Math.random() * 3000);
    const count = () => answered.reduce((sum, ids) => sum + ids.size, 0);
    while (count() < goal) await new Promise(setImmediate);
    await gateway.stop('SIGKILL');
    await Promise.all(writers);
    for (const client of clients) client.disconnect();
    total = count();
  }
  expect(total).toBeGreaterThan(KILLS * 500);
}, 180_000);
