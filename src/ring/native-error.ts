import { type ErrorCode, errorCodes, MillraceError } from '../errors.js';

/**
 * The error for an exception of the binding, whose message is `CODE: what`.
 *
 * @param what What was asked for, for the message.
 */
export function nativeError(error: unknown, what: string): Error {
  const [, short = '', words = ''] = /^([A-Z_]+): (.*)$/s.exec((error as Error)?.message) ?? [];
  if (short === 'TAKEN') {
    return new MillraceError(
      'ERR_MILLRACE_INVALID_ARGUMENT',
      `${what} is open already: one consumer a stage or worker, one producer unless 'multi'; close that one first`,
    );
  }
  const code = `ERR_MILLRACE_${short}`;
  if (!(code in errorCodes)) {
    return new MillraceError('ERR_MILLRACE_INTERNAL', `${what}: ${String(error)}`, {
      cause: error,
    });
  }
  return new MillraceError(code as ErrorCode, `${what}: ${words}`, { cause: error });
}

/**
 * Calls the binding; what it throws, of a panic too, becomes the error for it.
 *
 * @param what What is asked for, for the message.
 */
export function callNative<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw nativeError(error, what);
  }
}
