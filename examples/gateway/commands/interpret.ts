import type { Arguments } from '../arguments.js';
import type { Answer, Command } from './command.js';
import { client, echo, hello, ping, quit, select } from './connection-commands.js';
import type { Context } from './context.js';
import { refuse } from './errors.js';
import { isUnsupported } from './redis-commands.js';
import { command, config, info } from './server-commands.js';
import { unknownCommand } from './unknown-command.js';
import { xadd } from './xadd.js';
import { xlen, xrange, xrevrange } from './xrange.js';

type Interpreter = (args: Arguments, context: Context) => Command | Answer;

const INTERPRETERS: ReadonlyMap<string, Interpreter> = new Map<string, Interpreter>([
  ['xadd', xadd],
  ['xlen', xlen],
  ['xrange', xrange],
  ['xrevrange', xrevrange],
  ['ping', ping],
  ['echo', echo],
  ['hello', hello],
  ['select', select],
  ['client', client],
  ['command', (args) => command(args, INTERPRETERS.size)],
  ['config', config],
  ['info', info],
  ['quit', quit],
]);

/** No command's name is longer. */
const LONGEST_NAME = 32;

/** What a client asks for: a command for the database, or an answer that is known at once. */
export function interpret(args: Arguments, context: Context): Command | Answer {
  if (args.equals(0, 'XADD')) return xadd(args);
  const name = args.byteLength(0) > LONGEST_NAME ? '' : args.string(0).toLowerCase();
  const interpreter = INTERPRETERS.get(name);
  if (interpreter !== undefined) return interpreter(args, context);
  if (isUnsupported(name)) {
    return refuse(`ERR command '${name.toUpperCase()}' is not supported by this gateway`);
  }
  return unknownCommand(args);
}
