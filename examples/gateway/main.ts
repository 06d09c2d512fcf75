import { Gateway } from './gateway.js';
import { log } from './log.js';
import { type GatewayOptions, HELP, OptionError, readOptions } from './options.js';
import { explain } from './start-errors.js';

/** The program: options, signals, exit codes. */
const options = read();
if (options !== undefined) await run(options);

function read(): GatewayOptions | undefined {
  try {
    const given = readOptions(process.argv.slice(2), process.env);
    if (given === undefined) process.stdout.write(HELP);
    return given;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`${error.message}\nTry --help.\n`);
    process.exitCode = 2;
    return undefined;
  }
}

async function run(options: GatewayOptions): Promise<void> {
  let gateway: Gateway | undefined;
  let stopping = false;
  const stop = (signal: NodeJS.Signals, code: number): void => {
    if (stopping) process.exit(128 + code);
    // Nothing was accepted yet, so nothing is owed to anybody.
    if (gateway === undefined) process.exit(0);
    stopping = true;
    log(`${signal}: finishing what was accepted`);
    finish(gateway, options).catch((error: Error) => {
      log(`could not finish: ${error.stack}`);
      process.exit(1);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    gateway = await Gateway.start(options, (reason) => {
      log(`cannot go on: ${reason}`);
      process.exit(1);
    });
    const { port, httpPort } = gateway;
    const { host } = options;
    log(`serving Redis clients on ${host}:${port}, pages on http://${host}:${httpPort}/`);
    process.send?.({ kind: 'serving', pid: process.pid, port, httpPort });
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}

/** Drains, and makes an end when the time has passed. */
async function finish(gateway: Gateway, { drain }: GatewayOptions): Promise<void> {
  setTimeout(() => {
    log(`not all was finished within ${drain / 1000} s`);
    process.exit(1);
  }, drain).unref();
  const cut = await gateway.drain();
  if (cut > 0) log(`${cut} connections were closed with answers that they did not take`);
  log('all that was accepted is done');
  process.exit(0);
}
