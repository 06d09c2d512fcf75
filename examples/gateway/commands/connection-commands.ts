import { resp } from 'millrace';
import type { Arguments } from '../arguments.js';
import { type Answer, answer } from './command.js';
import type { Context } from './context.js';
import { parseInteger, refuse, TEXTS, unknownSubcommand, wrongArity } from './errors.js';

const OK = answer(resp.simple('OK'));
const PONG = answer(resp.simple('PONG'));
const GOODBYE: Answer = { kind: 'answer', reply: resp.simple('OK'), end: true };
/** Redis has 16 databases; the gateway has one, and clients that select another mean it. */
const DATABASES = 1n;

/** PING [message] */
export function ping(args: Arguments): Answer {
  if (args.length > 2) return wrongArity('ping');
  return args.length === 1 ? PONG : answer(resp.bulk(args.bytes(1)));
}

/** ECHO message */
export function echo(args: Arguments): Answer {
  return args.length === 2 ? answer(resp.bulk(args.bytes(1))) : wrongArity('echo');
}

/** QUIT: the reply, and then the connection's end. */
export function quit(): Answer {
  return GOODBYE;
}

/** SELECT 0 */
export function select(args: Arguments): Answer {
  if (args.length !== 2) return wrongArity('select');
  const index = args.byteLength(1) > 20 ? undefined : parseInteger(args.string(1));
  if (index === undefined) return refuse(TEXTS.notAnInteger);
  return index >= 0n && index < DATABASES ? OK : refuse('ERR DB index is out of range');
}

/** HELLO [2 [SETNAME name]]: RESP2 is what is spoken here. */
export function hello(args: Arguments, context: Context): Answer {
  if (args.length > 1) {
    const version = args.byteLength(1) > 20 ? undefined : parseInteger(args.string(1));
    if (version === undefined)
      return refuse('ERR Protocol version is not an integer or out of range');
    if (version !== 2n) return refuse('NOPROTO unsupported protocol version');
  }
  for (let i = 2; i < args.length; i++) {
    if (args.equals(i, 'AUTH'))
      return refuse('ERR HELLO option AUTH is not supported by this gateway');
    if (!args.equals(i, 'SETNAME') || i + 1 >= args.length) {
      return refuse(`ERR Syntax error in HELLO option '${args.string(i).slice(0, 128)}'`);
    }
    const refused = setName(args, ++i, context);
    if (refused !== OK) return refused;
  }
  return answer(describe(context));
}

function describe(context: Context): string | Buffer {
  return resp.array([
    resp.bulk('server'),
    resp.bulk('redis'),
    resp.bulk('version'),
    resp.bulk(context.server.redisVersion),
    resp.bulk('proto'),
    resp.integer(2),
    resp.bulk('id'),
    resp.integer(context.connection),
    resp.bulk('mode'),
    resp.bulk('standalone'),
    resp.bulk('role'),
    resp.bulk('master'),
    resp.bulk('modules'),
    resp.array([]),
  ]);
}

/** CLIENT SETNAME | GETNAME | SETINFO | ID | NO-EVICT | NO-TOUCH */
export function client(args: Arguments, context: Context): Answer {
  if (args.length < 2) return wrongArity('client');
  const subcommand = args.string(1).slice(0, 128).toLowerCase();
  const arity = CLIENT_ARITY[subcommand];
  if (arity === undefined) {
    if (CLIENT_UNSUPPORTED.has(subcommand)) {
      return refuse(
        `ERR command 'CLIENT ${subcommand.toUpperCase()}' is not supported by this gateway`,
      );
    }
    return unknownSubcommand('client', args.string(1));
  }
  if (args.length !== arity) return wrongArity(`client|${subcommand}`);
  switch (subcommand) {
    case 'id':
      return answer(resp.integer(context.connection));
    case 'setname':
      return setName(args, 2, context);
    case 'getname': {
      const name = context.names.get(context.connection);
      return answer(name === undefined ? resp.nil() : resp.bulk(name));
    }
    case 'setinfo':
      return isClientInfo(args)
        ? OK
        : refuse(`ERR Unrecognized option '${args.string(2).slice(0, 128)}'`);
    default:
      return args.equals(2, 'on') || args.equals(2, 'off') ? OK : refuse(TEXTS.syntax);
  }
}

/** Arguments of each, the two words of its name counted. */
const CLIENT_ARITY: Readonly<Record<string, number>> = {
  id: 2,
  getname: 2,
  setname: 3,
  setinfo: 4,
  'no-evict': 3,
  'no-touch': 3,
};
const CLIENT_UNSUPPORTED = new Set(
  'caching getredir help info kill list pause reply tracking trackinginfo unblock unpause'.split(
    ' ',
  ),
);

function isClientInfo(args: Arguments): boolean {
  return args.equals(2, 'LIB-NAME') || args.equals(2, 'LIB-VER');
}

function setName(args: Arguments, at: number, context: Context): Answer {
  const name = args.string(at);
  if (!/^[!-~]*$/.test(name)) {
    return refuse('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  context.names.set(context.connection, name);
  return OK;
}
