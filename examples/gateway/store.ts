import { parentPort, workerData } from 'node:worker_threads';
import { BatchQueue, ByteRing, Listener, RespArguments } from 'millrace';
import { DIGEST_BYTES } from './commands/command.js';
import { ClientNames } from './commands/context.js';
import { interpret } from './commands/interpret.js';
import { Committer, tryAgain, type Waiting } from './committer.js';
import { copyBytes } from './copy-bytes.js';
import { StartRefused } from './database/database.js';
import { openDatabase } from './database/open.js';
import { Patience } from './patience.js';
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
  const { commitTimeout } = options;
  const patience = new Patience(database, commitTimeout);

  const queue = BatchQueue.create<Waiting>(
    async (batch) => {
      const usable = await patience.whenUsable();
      const waiting = usable ? batch.take() : batch.take(Math.max(1, patience.countLate()));
      patience.remove(waiting.length);
      if (usable) await commit(waiting);
      else giveUp(waiting);
      return waiting.map(() => undefined);
    },
    { maxBatch: MOST_ENTRIES, queueLimit: MOST_WAITING },
  );

  const giveUp = (waiting: readonly Waiting[]): void => {
    metrics.gaveUp(waiting.length);
    const reason = patience.over ? 'the gateway ends' : 'the database is away';
    committer.answerAll(waiting, tryAgain(`${reason}, so the outcome is not known`));
  };

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
      patience.add(since);
      return { command: outcome, token, connection, since };
    },
  });

  port.on('message', async (request: StoreRequest) => {
    switch (request.kind) {
      case 'metrics':
        tell({ kind: 'metrics', text: await metrics.text() });
        break;
      case 'drain':
        patience.drain(request.within, () => {
          // A statement may run as long as `commitTimeout`; closing makes an end of it. The embedded
          // database has done one when it returns, and is closed when all is answered.
          if (options.database.kind === 'server') void database.close();
        });
    }
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
