import { resp } from 'millrace';
import type { Arguments } from '../arguments.js';
import { type Answer, answer } from './command.js';
import type { Context } from './context.js';
import { refuse, unknownSubcommand, wrongArity } from './errors.js';

const EMPTY = answer(resp.array([]));

/** COMMAND [COUNT | DOCS | INFO | LIST …]: clients ask for it, and live with nothing. */
export function command(args: Arguments, served: number): Answer {
  if (args.length === 1) return EMPTY;
  if (args.equals(1, 'COUNT')) {
    return args.length === 2 ? answer(resp.integer(served)) : wrongArity('command|count');
  }
  if (args.equals(1, 'DOCS') || args.equals(1, 'INFO') || args.equals(1, 'LIST')) return EMPTY;
  for (const unsupported of ['GETKEYS', 'GETKEYSANDFLAGS', 'HELP']) {
    if (args.equals(1, unsupported)) {
      return refuse(`ERR command 'COMMAND ${unsupported}' is not supported by this gateway`);
    }
  }
  return unknownSubcommand('command', args.string(1));
}

/** CONFIG GET pattern …: what `redis-benchmark` prints above its figures. */
export function config(args: Arguments): Answer {
  if (args.length < 2) return wrongArity('config');
  if (args.equals(1, 'GET')) {
    return args.length === 2 ? wrongArity('config|get') : answer(resp.array(settings(args)));
  }
  for (const unsupported of ['SET', 'REWRITE', 'RESETSTAT', 'HELP']) {
    if (args.equals(1, unsupported)) {
      return refuse(`ERR command 'CONFIG ${unsupported}' is not supported by this gateway`);
    }
  }
  return unknownSubcommand('config', args.string(1));
}

/** Redis's names for what is so here: no snapshots, no append-only file of Redis's kind, one database. */
const SETTINGS: Readonly<Record<string, string>> = {
  appendonly: 'no',
  databases: '1',
  maxmemory: '0',
  save: '',
  timeout: '0',
};
/** A pattern with many stars would cost more than it is worth. */
const LONGEST_PATTERN = 64;

function settings(args: Arguments): (string | Buffer)[] {
  const found = new Set<string>();
  for (let i = 2; i < args.length; i++) {
    if (args.byteLength(i) > LONGEST_PATTERN) continue;
    const pattern = args.string(i).toLowerCase();
    for (const name of Object.keys(SETTINGS)) {
      if (pattern === '*' || pattern === name) found.add(name);
    }
  }
  return [...found].flatMap((name) => [resp.bulk(name), resp.bulk(SETTINGS[name] as string)]);
}

/** INFO [section …]: what clients look for before they trust a server. */
export function info(args: Arguments, context: Context): Answer {
  const { redisVersion, port, database, startedAt } = context.server;
  const sections: Readonly<Record<string, readonly string[]>> = {
    Server: [
      `redis_version:${redisVersion}`,
      'redis_mode:standalone',
      `process_id:${process.pid}`,
      `tcp_port:${port}`,
      `uptime_in_seconds:${Math.floor((Date.now() - startedAt) / 1000)}`,
      'server_name:millrace-gateway',
    ],
    Persistence: ['loading:0', `millrace_database:${database}`],
    Replication: ['role:master', 'connected_slaves:0'],
    Cluster: ['cluster_enabled:0'],
  };
  const wanted = (name: string): boolean => {
    if (args.length === 1) return true;
    for (let i = 1; i < args.length; i++) {
      if ([name, 'all', 'default', 'everything'].some((word) => args.equals(i, word))) return true;
    }
    return false;
  };
  const parts = Object.entries(sections)
    .filter(([name]) => wanted(name))
    .map(([name, lines]) => `# ${name}\r\n${lines.join('\r\n')}\r\n`);
  return answer(resp.bulk(parts.join('\r\n')));
}
