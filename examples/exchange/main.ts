import { Exchange } from './exchange.js';
import { instruments } from './instruments.js';
import { help, type Options, parseOptions } from './options.js';

function fail(error: unknown, exitCode: number): never {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  const hint =
    code === 'EADDRINUSE' ? `port ${port} is in use: choose another one with --port` : message;
  console.error(`exchange: ${hint}`);
  process.exit(exitCode);
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return fail(error, 2);
  }
}

async function run(options: Options): Promise<void> {
  const exchange = await Exchange.start(options);
  exchange.failed.catch((error) => fail(error, 1));
  const { listener, directory } = exchange;
  console.log(`orders on ${listener.host}:${listener.port}, files in ${directory}`);
  console.log(`traded: ${[...instruments.keys()].join(', ')}. Try: BUY ACME 10 101.50`);

  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => process.exit(1));
  console.log(`${signal}: answering what was accepted`);
  await exchange.close(options.drain * 1000);

  const { matching, settlement, workers } = exchange;
  const { batches, largest } = settlement.queue.stats();
  const replaced = workers.map((worker) => `${worker.name} ${worker.replaced}`).join(', ');
  console.log(`${matching.orders} orders and quotes, ${matching.trades} trades`);
  console.log(`${batches} batches, the largest of ${largest}; workers replaced: ${replaced}`);
}

const options = readOptions();
if (options.help) process.stdout.write(help);
else await run(options).catch((error) => fail(error, 1));
