import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How a gateway is started. Times are milliseconds. */
export interface GatewayOptions {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  /** Directory of the embedded database. */
  readonly data: string;
  /** Whether an embedded commit survives power loss. */
  readonly fsync: boolean;
  /** A server to use instead of the embedded database. */
  readonly databaseUrl: string | undefined;
  readonly drain: number;
  readonly commitTimeout: number;
  readonly maxFrame: number;
  readonly frameTimeout: number;
  readonly maxConnections: number;
}

/** The command line asks for something that is not to be had; the message says what is. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export const HELP = `Usage: npm start -- [OPTIONS]

A durable ingest gateway: Redis clients write to it, PostgreSQL keeps it.

  --host HOST             address to listen on (127.0.0.1)
  --port PORT             port for Redis clients (6390); 0 takes a free one
  --http PORT             port for /healthz, /metrics and / (8390); 0 takes a free one
  --data DIRECTORY        where the embedded database lives (./data)
  --fsync                 flush the embedded database's log before answering
  --drain SECONDS         longest time to finish after SIGTERM or SIGINT (10)
  --commit-timeout SECONDS
                          longest wait for the database before -TRYAGAIN (5)
  --max-frame BYTES       longest argument and longest command (1048576)
  --frame-timeout SECONDS longest time between a command's first byte and its last (10)
  --max-connections N     most connections at once (15000)
  --help                  this text

With DATABASE_URL in the environment a PostgreSQL server is used, and --data and --fsync are not.
`;

const LARGEST_FRAME = 64 << 20;

/**
 * Reads the command line; undefined when it asks for help.
 *
 * @throws {@link OptionError}.
 */
export function readOptions(
  args: readonly string[],
  environment: { readonly DATABASE_URL?: string | undefined },
): GatewayOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  return {
    host: values.host,
    port: wholeNumber('port', values.port, 0, 65_535),
    httpPort: wholeNumber('http', values.http, 0, 65_535),
    data: resolve(notEmpty('data', values.data)),
    fsync: values.fsync === true,
    databaseUrl: environment.DATABASE_URL || undefined,
    drain: seconds('drain', values.drain),
    commitTimeout: seconds('commit-timeout', values['commit-timeout']),
    maxFrame: wholeNumber('max-frame', values['max-frame'], 1024, LARGEST_FRAME),
    frameTimeout: seconds('frame-timeout', values['frame-timeout']),
    maxConnections: wholeNumber('max-connections', values['max-connections'], 1, 1_000_000),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '6390' },
        http: { type: 'string', default: '8390' },
        data: { type: 'string', default: './data' },
        fsync: { type: 'boolean' },
        drain: { type: 'string', default: '10' },
        'commit-timeout': { type: 'string', default: '5' },
        'max-frame': { type: 'string', default: '1048576' },
        'frame-timeout': { type: 'string', default: '10' },
        'max-connections': { type: 'string', default: '15000' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    const { message } = cause as Error;
    throw new OptionError(message, { cause });
  }
}

function wholeNumber(option: string, text: string, low: number, high: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new OptionError(`--${option} must be a whole number from ${low} to ${high}, not '${text}'`);
}

/** Seconds, possibly with a fraction, as milliseconds. */
function seconds(option: string, text: string): number {
  const value = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 86_400) return Math.round(value * 1000);
  throw new OptionError(`--${option} must be a number of seconds above 0, not '${text}'`);
}

function notEmpty(option: string, text: string): string {
  if (text !== '') return text;
  throw new OptionError(`--${option} must not be empty`);
}
