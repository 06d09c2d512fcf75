import { parentPort, workerData } from 'node:worker_threads';
import { BatchQueue, ByteRing, Listener, RespArguments } from 'millrace';
import { Arrivals } from './arrivals.js';
import { DIGEST_BYTES } from './commands/command.js';
import { ClientNames } from './commands/context.js';
import { interpret } from './commands/interpret.js';
import { Committer, tryAgain, type Waiting } from './committer.js';
import { copyBytes } from './copy-bytes.js';
import { StartRefused } from './database/database.js';
import { openDatabase } from './database/open.js';
import { ReadFlights } from './read-flights.js';
import { StoreMetrics } from './store-metrics.js';
import type { StoreMessage, StoreOptions, StoreRequest } from './store-protocol.js';

/**
 * The store thread: it reads commands from the ring, answers what it knows, collects what the
 * database is needed for, and answers that after COMMIT.
 */

/** Small enough that the clients of one batch get their answers, and ask again, while the next is committed. */
const MOST_ENTRIES = 500;
const MOST_WAITING = 10_000;

if (parentPort === null) throw new Error('the store runs as a worker thread');
const port = parentPort;
const options = workerData as StoreOptions;
const tell = (message: StoreMessage): void => port.postMessage(message);

const database = await openDatabase(options.database, {
  connected: () => tell({ kind: 'available' }),
  lost: (reason) => tell({ kind: 'away', reason }),
}).catch((error: Error): undefined => {
  tell({
    kind: 'refused',
    reason: error instanceof StartRefused ? error.message : String(error.stack),
  });
});

if (database !== undefined) {
  const metrics = new StoreMetrics();
  const records = ByteRing.attach(options.records);
  const listener = Listener.attach(options.listener);
  const reply = (token: number, payload: string | Buffer): void => listener.reply(token, payload);
  const flights = new ReadFlights();
  const committer = new Committer(database, reply, flights);
  const arrivals = new Arrivals();
  const { commitTimeout } = options;

  /** Waits until the database can be used, or the first command has waited for too long. */
  const whenUsable = async (): Promise<boolean> => {
    while (!database.available) {
      const left = (arrivals.oldest ?? 0) + commitTimeout - performance.now();
      if (left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
      });
      await Promise.race([database.whenAvailable(), late]);
      clearTimeout(timer);
    }
    return true;
  };

  const queue = BatchQueue.create<Waiting>(
    async (batch) => {
      const usable = await whenUsable();
      const late = arrivals.countUntil(performance.now() - commitTimeout);
      const waiting = usable ? batch.take() : batch.take(Math.max(1, late));
      arrivals.remove(waiting.length);
      if (usable) await commit(waiting);
      else metrics.gaveUp(waiting.length);
      if (!usable) {
        const answer = tryAgain('the database is away, so the outcome is not known');
        committer.answerAll(waiting, answer);
      }
      return waiting.map(() => undefined);
    },
    { maxBatch: MOST_ENTRIES, queueLimit: MOST_WAITING },
  );

  const commit = async (waiting: readonly Waiting[]): Promise<void> => {
    const started = performance.now();
    // Of the time a command may wait, some is left for the statement itself in any case.
    const waited = started - (waiting[0]?.since ?? started);
    const entries = await committer.run(
      waiting,
      Math.max(commitTimeout - waited, commitTimeout / 5),
    );
    metrics.committed(waiting.length, entries, performance.now() - started);
    if (options.database.kind === 'embedded' && !database.available) {
      tell({ kind: 'failed', reason: 'the embedded database failed' });
    }
  };

  const args = new RespArguments();
  const names = new ClientNames();
  const { server } = options;
  const feed = records.consumer('store').into(queue, {
    map(record): Waiting | undefined {
      const { reply: token, connection } = record;
      const outcome = interpret(args.read(record), {
        connection,
        names,
        server,
      });
      if (outcome.kind === 'answer') {
        listener.reply(token, outcome.reply, { end: outcome.end });
        return undefined;
      }
      if (outcome.kind === 'append') copyBytes(record.digest, 0, DIGEST_BYTES, outcome.payload, 0);
      else flights.begin(connection);
      const since = performance.now();
      arrivals.add(since);
      return { command: outcome, token, connection, since };
    },
  });

  port.on('message', async (request: StoreRequest) => {
    if (request.kind === 'metrics') tell({ kind: 'metrics', text: await metrics.text() });
  });
  tell({ kind: 'serving' });
  if (database.available) tell({ kind: 'available' });

  await feed;
  await queue.close();
  await database.close();
  tell({ kind: 'finished' });
  port.close();
} else {
  port.close();
}
