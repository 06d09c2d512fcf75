import { StartRefused } from './database/database.js';

/** Why a gateway did not start, in a line or two: a stack trace only for what nobody foresaw. */
export function explain(error: unknown): string {
  if (error instanceof StartRefused) return `gateway: ${error.message}`;
  const { code, address, port, message, stack } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  switch (code) {
    case 'EADDRINUSE':
      return `gateway: EADDRINUSE: port ${port} of ${address} is in use: stop what uses it, perhaps another gateway, or choose other ports with --port and --http`;
    case 'EACCES':
      return `gateway: EACCES: no right to listen on port ${port} of ${address}: choose a port above 1023 with --port and --http`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `gateway: ${code}: this machine has no such address: ${message}; choose one with --host`;
    default:
      return `gateway: ${stack ?? message}`;
  }
}
