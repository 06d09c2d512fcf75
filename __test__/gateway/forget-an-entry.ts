import { Redis } from 'ioredis';

/**
 * Loaded into the demo's processes by `node --import`: the first page that its load reads back lacks
 * an entry, as if the gateway had answered an id and lost it.
 */
const { xrange } = Redis.prototype;
let forgotten = false;

Redis.prototype.xrange = async function (this: Redis, ...args: unknown[]) {
  const page = await (xrange as (...args: unknown[]) => ReturnType<typeof xrange>).apply(
    this,
    args,
  );
  const [first] = page;
  if (!forgotten && first) {
    // Another id in its place: a shorter page would be the stream's last.
    page[0] = ['0-1', first[1]];
    forgotten = true;
  }
  return page;
} as typeof xrange;
