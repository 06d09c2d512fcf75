import { getSystemErrorName } from 'node:util';
import { systemError } from '../errors.js';

/** What the system said of a connection. */
export function connectionError(errno: number, text: string): Error {
  if (errno === 0) return new Error(text);
  return systemError({ code: getSystemErrorName(-errno), errno, syscall: 'connection' }, text);
}
