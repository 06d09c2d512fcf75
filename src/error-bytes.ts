import { inspect, types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { type ErrorCode, MillraceError } from './errors.js';

/** Most characters of a name, a message or a stack. */
const MOST_TEXT = 8192;
/** Most bytes of the properties of one error, or of a value that is none. */
const MOST_BYTES = 16_384;
/** Most errors that are each other's cause: some errors are their own. */
const MOST_CAUSES = 8;

/** What travels of an error. */
interface Description {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly millrace: boolean;
  /** Own properties, and `code` wherever it stands. Each by itself, because one that cannot be cloned is left out. */
  readonly properties: [key: string, value: Uint8Array][];
  /** Undefined where there is none. */
  readonly cause: Thrown | undefined;
}

/** What travels of what was thrown; a value that is no error as its clone. */
type Thrown = Description | Uint8Array;

/** Errors that keep their class; others become an `Error` with their name. */
const classes: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * @internal What was thrown, for another thread: name, message, stack, code, cause and own properties of an error, as far
 * as they can be cloned, and of a bounded length. A value that is no error is cloned; where that cannot be, it becomes an
 * error that shows it.
 *
 * @returns The bytes, and the message in words for who does not read them.
 */
export function errorToBytes(thrown: unknown): { message: string; bytes: Uint8Array } {
  const description = describe(thrown, MOST_CAUSES);
  const { message } = types.isUint8Array(description) ? shown(thrown) : description;
  return { message, bytes: serialize(description) };
}

/** @internal What {@link errorToBytes} was given, as this thread may have it. */
export function errorFromBytes(bytes: Uint8Array): unknown {
  return revive(deserialize(bytes) as Thrown);
}

function describe(thrown: unknown, causes: number): Thrown {
  if (!isError(thrown)) return clone(thrown, MOST_BYTES) ?? shown(thrown);
  const hasCause = causes > 1 && attempt(() => 'cause' in thrown);
  return {
    name: text(() => thrown.name),
    message: text(() => thrown.message),
    stack: text(() => thrown.stack),
    millrace: thrown instanceof MillraceError,
    properties: properties(thrown),
    cause: hasCause
      ? describe(
          attempt(() => thrown.cause),
          causes - 1,
        )
      : undefined,
  };
}

/** Also one of another realm. */
function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

/** Stands for what is no error and cannot be cloned. */
function shown(thrown: unknown): Description {
  const message = text(() => inspect(thrown, { depth: 1 }));
  return { name: 'Error', message, stack: '', millrace: false, properties: [], cause: undefined };
}

function properties(error: Error): [string, Uint8Array][] {
  const keys = new Set([...Object.keys(error), 'code']);
  for (const told of ['name', 'message', 'stack', 'cause']) keys.delete(told);
  const found: [string, Uint8Array][] = [];
  let left = MOST_BYTES;
  for (const key of keys) {
    const value = attempt(() => (error as unknown as Record<string, unknown>)[key]);
    const bytes = value === undefined ? undefined : clone(value, left - key.length);
    if (bytes === undefined) continue;
    left -= key.length + bytes.length;
    found.push([key, bytes]);
  }
  return found;
}

function clone(value: unknown, most: number): Uint8Array | undefined {
  const bytes = attempt(() => serialize(value));
  return bytes !== undefined && bytes.length <= most ? bytes : undefined;
}

function text(read: () => unknown): string {
  return attempt(() => String(read() ?? '').slice(0, MOST_TEXT)) ?? '';
}

/** Properties may be accessors, which may throw. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function revive(thrown: Thrown): unknown {
  if (types.isUint8Array(thrown)) return deserialize(thrown);
  const { name, message, stack, cause } = thrown;
  const own = thrown.properties.map(([key, value]) => [key, deserialize(value)] as const);
  const code = own.find(([key]) => key === 'code')?.[1] as ErrorCode;
  const Class = classes[name] ?? Error;
  const error = thrown.millrace ? new MillraceError(code, message) : new Class(message);
  const define = (key: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  if (error.name !== name) define('name', name, false);
  if (stack !== '') define('stack', stack, false);
  if (cause !== undefined) define('cause', revive(cause), false);
  for (const [key, value] of own) define(key, value, true);
  return error;
}
