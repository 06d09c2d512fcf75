import { MillraceError } from 'millrace';

/** An error with all that one may have. */
class PriceError extends Error {
  readonly code = 'E_PRICE';
  readonly limits = { least: 1n, most: [2, 3] };
  readonly retry = () => {};

  constructor() {
    super('no such price', { cause: new RangeError('too low', { cause: { asked: -1 } }) });
    this.name = 'PriceError';
  }

  get broken(): never {
    throw new Error('never read');
  }
}

/** Its own cause, with a property that cannot be read and one that is too long. */
function awkward(): Error {
  const error = new Error('x'.repeat(1 << 20));
  const get = () => {
    throw new Error('never told');
  };
  Object.defineProperty(error, 'bad', { enumerable: true, get });
  return Object.assign(error, { cause: error, long: Buffer.alloc(1 << 20), short: 1 });
}

/** What handlers throw. */
export const thrown = {
  custom: () => new PriceError(),
  millrace: () => new MillraceError('ERR_MILLRACE_FULL', 'no room'),
  invalid: () => new MillraceError('ERR_MILLRACE_INVALID_ARGUMENT', 'no number'),
  awkward,
  text: () => 'just words',
  nothing: () => undefined,
  object: () => ({ reason: new Map([['a', 1]]) }),
  closure: () => () => {},
} as const;

export type ErrorKind = keyof typeof thrown;
