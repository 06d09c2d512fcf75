import { parseArgs } from 'node:util';

export const help = `The exchange: orders in lines over TCP, matched and settled.

  node build/examples/exchange/main.js [options]

  --host ADDRESS     where clients connect (127.0.0.1)
  --port PORT        where clients connect, 0 for any free one (7070)
  --data DIRECTORY   where each session makes a directory for its files (./exchange-data)
  --capacity N       orders the ring holds, a power of two (4096)
  --quote-every MS   pause of the market maker between quotes (100)
  --drain SECONDS    time to finish after SIGTERM or SIGINT; a second signal exits at once (10)
  --chaos N          terminates one of the workers about every N orders, 0 for never (0)
  --seed N           which workers that hits and when (1)
  --help
`;

export interface Options {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly capacity: number;
  readonly quoteEvery: number;
  readonly drain: number;
  readonly chaos: number;
  readonly seed: number;
  readonly help: boolean;
}

/** What the command line says. Throws a `RangeError`, or the `TypeError` of `parseArgs`, fit to be shown. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '7070' },
      data: { type: 'string', default: './exchange-data' },
      capacity: { type: 'string', default: '4096' },
      'quote-every': { type: 'string', default: '100' },
      drain: { type: 'string', default: '10' },
      chaos: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  const whole = (name: Exclude<keyof typeof values, 'help'>, least: number, most: number) => {
    const value = values[name];
    if (/^\d{1,10}$/.test(value) && Number(value) >= least && Number(value) <= most) {
      return Number(value);
    }
    throw new RangeError(`--${name} is a whole number from ${least} to ${most}, not '${value}'`);
  };
  return {
    host: values.host,
    port: whole('port', 0, 65_535),
    data: values.data,
    capacity: whole('capacity', 2, 2 ** 24),
    quoteEvery: whole('quote-every', 1, 3_600_000),
    drain: whole('drain', 0, 3_600),
    chaos: whole('chaos', 0, 1e9),
    seed: whole('seed', 0, 2 ** 32 - 1),
    help: values.help,
  };
}
