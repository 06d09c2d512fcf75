import { isIP } from 'node:net';
import { invalidArgument } from '../errors.js';
import type { ListenerSettings } from '../native/binding.js';
import { type Framing, framing as framings } from './framing.js';

/** What a listener is opened with. Times are milliseconds, sizes bytes. */
export interface ListenOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** An address; default `'127.0.0.1'`. */
  readonly host?: string;
  /** Default: lines of up to 65,536 bytes. */
  readonly framing?: Framing;
  /** Beyond this many, connections are accepted and closed at once. Default 15,000. */
  readonly maxConnections?: number;
  /** Closes a connection that has been silent, and is owed nothing, for so long. Default: never. */
  readonly idleTimeout?: number;
  /** Closes a connection whose message is not whole so long after its first byte. Default: never. */
  readonly frameTimeout?: number;
  /**
   * Bytes that may wait for a peer that does not read, default 1 MiB, and what happens then: we stop reading from it
   * (`'pause'`, default), drop what it did not ask for, or close.
   */
  readonly writeLimit?: { readonly bytes?: number; readonly policy?: 'pause' | 'drop' | 'close' };
  /**
   * Whether replies keep the order of a connection's messages, however they come (`'ordered'`, default), go out as they
   * come (`'any'`), or there are none (`'none'`): then nothing is owed, and messages have no token.
   */
  readonly replies?: 'ordered' | 'any' | 'none';
  /** Messages of a connection that may wait for replies before we stop reading from it. Default 1,024. */
  readonly maxOwed?: number;
  /** Connections the kernel keeps ready for us. Default 4,096. */
  readonly backlog?: number;
}

const LONGEST = 2 ** 31 - 1;

/** Checks options and gives them in the form native code takes. */
export function listenerSettings(options: ListenOptions): ListenerSettings {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('options', options, 'an object with a port');
  }
  const {
    port,
    host = '127.0.0.1',
    framing = framings.lines(),
    writeLimit: { bytes: writeLimit = 1 << 20, policy: writePolicy = 'pause' } = {},
    replies = 'ordered',
  } = options;
  if (!isIP(host)) throw invalidArgument('host', host, 'an IP address');
  if (framing?.kind !== 'lines' && framing?.kind !== 'resp') {
    throw invalidArgument('framing', framing, 'one made by framing.lines() or framing.resp()');
  }
  if (!['pause', 'drop', 'close'].includes(writePolicy)) {
    throw invalidArgument('writeLimit.policy', writePolicy, "'pause', 'drop' or 'close'");
  }
  if (!['ordered', 'any', 'none'].includes(replies)) {
    throw invalidArgument('replies', replies, "'ordered', 'any' or 'none'");
  }
  const whole = (name: string, value: unknown, least: number, most = LONGEST): number => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    throw invalidArgument(name, value, `a whole number from ${least} to ${most}`);
  };
  return {
    host,
    port: whole('port', port, 0, 65_535),
    framing: framing.kind,
    maxFrame: framing.max,
    maxArguments: framing.maxArguments,
    backlog: whole('backlog', options.backlog ?? 4_096, 1),
    maxConnections: whole('maxConnections', options.maxConnections ?? 15_000, 1),
    idleTimeout: whole('idleTimeout', options.idleTimeout ?? 0, 0),
    frameTimeout: whole('frameTimeout', options.frameTimeout ?? 0, 0),
    writeLimit: whole('writeLimit.bytes', writeLimit, 1),
    writePolicy,
    replies,
    maxOwed: whole('maxOwed', options.maxOwed ?? 1_024, 1),
  };
}
