import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openDatabase } from '../../database/open.js';
import { asked } from '../../frame/asked.js';
import { LoopTime } from '../../frame/loop-time.js';
import { serve } from './connection.js';
import { Store } from './store.js';

/** The gateway as one would write it without Millrace: one thread, one INSERT an event. */
const store = await Store.open(await openDatabase(process.argv[2]));
/** Milliseconds between two looks at the event loop; what is recorded includes them. */
const RESOLUTION = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
delay.enable();
const time = new LoopTime();

const server = createServer({ noDelay: true }, (socket) => serve(socket, store));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

asked({
  port: () => server.address().port,
  begin() {
    delay.reset();
    time.begin();
  },
  end: () => ({ delay: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION), busy: time.end() }),
});
