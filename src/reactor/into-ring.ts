import { invalidArgument } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ByteRing } from '../ring/byte-ring.js';
import type { Fields } from '../ring/fields.js';
import type { Stages } from '../ring/graph.js';
import { nativeError } from '../ring/native-error.js';
import type { Handlers, IntoRingOptions } from './handlers.js';
import { incoming } from './inbox.js';

/** A ring that takes a listener's messages, checked. */
export interface IntoRing {
  /** Begins. */
  start(listener: number): void;
  /** Those who are told of the rest. */
  readonly handlers: Handlers;
}

/** Everything but messages. */
export const EVENTS: number = (1 << incoming.OPEN) | (1 << incoming.CLOSE) | (1 << incoming.ERROR);

/**
 * Checks what `into` was given.
 *
 * @param maxFrame Bytes of the largest message.
 */
export function intoRing<H extends Fields, S extends Stages>(
  records: ByteRing<H, S>,
  options: IntoRingOptions<keyof H & string>,
  maxFrame: number,
): IntoRing {
  const { reply, connection, ...handlers } = options;
  if (typeof records?.memory?.handle !== 'number' || !('producer' in records)) {
    throw invalidArgument('records', records, 'a ByteRing');
  }
  const offset = (name: string, field: string | undefined): number => {
    if (field === undefined) return -1;
    const place = records.places.find((one) => one.name === field && one.kind === 'u32');
    if (place && !place.array) return place.offset;
    throw invalidArgument(name, field, "the name of a 'u32' field of the ring's header");
  };
  const offsets = [offset('reply', reply), offset('connection', connection)] as const;
  if (maxFrame * 2 > records.capacity) {
    throw invalidArgument(
      'records',
      `a ring of ${records.capacity} bytes`,
      `a ring of at least ${maxFrame * 2} bytes, twice the framing's max`,
    );
  }
  const { open, close, error } = handlers;
  // A connection that is closed or fails is to be the one that was opened.
  const wanted = open || close || error ? EVENTS : 0;
  return {
    handlers,
    start(listener) {
      try {
        binding.listenerIntoRing(listener, records.memory.handle, ...offsets, wanted);
      } catch (cause) {
        throw nativeError(cause, 'a producer seat of the ring');
      }
    },
  };
}
