import { type CloseReason, closeReasons } from './close-reason.js';

/** Totals of a listener since it was opened; `connections` and `owed` are what is so now. */
export interface ListenerStatistics {
  readonly connections: number;
  /** Connections accepted and served. */
  readonly accepted: number;
  /** Connections accepted and closed at once, because there were `maxConnections`. */
  readonly refused: number;
  readonly bytesIn: number;
  /** Bytes handed over to be sent. */
  readonly bytesOut: number;
  /** Messages delivered. */
  readonly frames: number;
  /** Replies given. */
  readonly replies: number;
  /** Messages delivered and not yet answered. */
  readonly owed: number;
  /** Times that reading stopped because those who take the messages were behind. */
  readonly full: number;
  /** Times that reading from a connection stopped because it did not read. */
  readonly writePauses: number;
  /** Messages dropped by the write limit's policy `'drop'`. */
  readonly dropped: number;
  /** Connections that are over, by reason. */
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/** Totals of a reactor since it was made; `connections` is what is so now. */
export interface ReactorStatistics {
  /** The engine that runs: `'epoll'`, `'kqueue'` or `'iocp'`. */
  readonly engine: string;
  readonly connections: number;
  /** Turns of its loop, and those in which it slept. */
  readonly turns: number;
  readonly blocked: number;
  /** Things the engine reported. */
  readonly completions: number;
  /** Wakes that needed a system call because it slept, and those that could be spared. */
  readonly wakes: number;
  readonly elided: number;
  /** Replies and commands taken. */
  readonly outgoing: number;
  /** Replies that were given already, or whose connection is gone. */
  readonly staleReplies: number;
  /** What was said to connections that are gone. */
  readonly staleConnections: number;
  /** Connections closed unserved because the process had no descriptor left. */
  readonly outOfDescriptors: number;
  /** Defects in Millrace that ended a listener or an outbox. */
  readonly panics: number;
}

/** Totals by the names native code has for them. */
type Totals = Readonly<Record<string, number>>;

/** A listener's totals from native code's. */
export function listenerStatistics(totals: Totals): ListenerStatistics {
  const total = (name: string) => totals[name] ?? 0;
  const closed = closeReasons.map((reason) => [
    reason,
    total(`closed_${reason.replaceAll('-', '_')}`),
  ]);
  return {
    connections: total('connections'),
    accepted: total('accepted'),
    refused: total('refused'),
    bytesIn: total('bytes_in'),
    bytesOut: total('bytes_out'),
    frames: total('frames'),
    replies: total('replies'),
    owed: total('owed'),
    full: total('full'),
    writePauses: total('write_pauses'),
    dropped: total('dropped'),
    closed: Object.fromEntries(closed) as Record<CloseReason, number>,
  };
}

/** A reactor's totals from native code's. */
export function reactorStatistics(engine: string, totals: Totals): ReactorStatistics {
  const total = (name: string) => totals[name] ?? 0;
  return {
    engine,
    connections: total('connections'),
    turns: total('turns'),
    blocked: total('blocked'),
    completions: total('completions'),
    wakes: total('wakes_made'),
    elided: total('wakes_elided'),
    outgoing: total('outgoing'),
    staleReplies: total('stale_replies'),
    staleConnections: total('stale_connections'),
    outOfDescriptors: total('out_of_descriptors'),
    panics: total('panics'),
  };
}
