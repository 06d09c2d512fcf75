import { Buffer } from 'node:buffer';
import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { call, environment } from '../park/environment.js';
import { ByteRing } from '../ring/byte-ring.js';
import { nativeError } from '../ring/native-error.js';

/** What a record of an outbox asks for; the numbers of crates/reactor. */
export const outgoing = { REPLY: 0, RELEASE: 1, SEND: 2, WRITE: 3, END: 4, DESTROY: 5 } as const;
const MORE = 1;
const END = 2;

const CAPACITY = 1 << 20;
const makeRing = () =>
  ByteRing.create({
    capacity: CAPACITY,
    header: { kind: 'u32', target: 'u32', flags: 'u32' },
    stages: { reactor: {} },
  });

interface Waiting {
  readonly kind: number;
  readonly target: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/**
 * What this thread says to a listener's connections: a byte ring that the reactor drains. When the
 * ring is full, what is said waits here in order; how much that can be is bounded by what the
 * listener may owe.
 */
export class Outbox {
  readonly #ring: ReturnType<typeof makeRing>;
  readonly #producer: ReturnType<ReturnType<typeof makeRing>['producer']>;
  /** Most payload bytes of a record, and most characters whose UTF-8 is sure to fit into one. */
  readonly #most: number;
  readonly #mostText: number;
  readonly #number: number;
  #waiting: Waiting[] = [];
  /** Resolves when nothing waits any more. */
  #emptied: Promise<void> | undefined;
  #kind = 0;
  #target = 0;
  #flags = 0;

  private constructor(ring: ReturnType<typeof makeRing>, number: number) {
    this.#ring = ring;
    this.#producer = ring.producer();
    this.#most = this.#producer.maxPayload;
    this.#mostText = Math.floor(this.#most / 3);
    this.#number = number;
  }

  /** An outbox for a listener; undefined when that is closed. */
  static open(listener: number): Outbox | undefined {
    const ring = makeRing();
    try {
      return new Outbox(ring, binding.addOutbox(environment, listener, ring.memory.handle));
    } catch (cause) {
      ring.detach();
      const error = nativeError(cause, 'an outbox');
      if ((error as MillraceError).code === 'ERR_MILLRACE_CLOSED') return undefined;
      throw error;
    }
  }

  readonly #write = (header: { kind: number; target: number; flags: number }) => {
    header.kind = this.#kind;
    header.target = this.#target;
    header.flags = this.#flags;
  };

  /** See `Speaker.say`. */
  say(kind: number, target: number, payload: Uint8Array | string, last: boolean): void {
    const flags = last ? END : 0;
    const short = payload.length <= (typeof payload === 'string' ? this.#mostText : this.#most);
    if (short && this.#emptied === undefined && this.#publish(kind, target, flags, payload)) return;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (kind === outgoing.SEND && bytes.length > this.#most) {
      throw new MillraceError(
        'ERR_MILLRACE_FRAME_TOO_LARGE',
        `a message of ${bytes.length} bytes is too large to be sent at once, which takes up to ${this.#most}; write() it in pieces`,
      );
    }
    this.#sayLater(kind, target, flags, bytes);
  }

  /** False when there is no room. */
  #publish(kind: number, target: number, flags: number, payload: Uint8Array | string): boolean {
    this.#kind = kind;
    this.#target = target;
    this.#flags = flags;
    try {
      return this.#producer.tryPublish(payload, this.#write);
    } catch (error) {
      // The reactor closes the ring when it ends: nobody is there any more to be told.
      if ((error as MillraceError).code === 'ERR_MILLRACE_CLOSED') return true;
      throw error;
    }
  }

  /** Copies: the caller may reuse its bytes, and messages lie in memory that is. */
  #sayLater(kind: number, target: number, flags: number, payload: Uint8Array): void {
    let rest = payload;
    while (rest.length > this.#most) {
      this.#waiting.push({
        kind,
        target,
        flags: MORE,
        payload: copy(rest.subarray(0, this.#most)),
      });
      rest = rest.subarray(this.#most);
    }
    this.#waiting.push({ kind, target, flags, payload: copy(rest) });
    this.#emptied ??= this.#empty();
  }

  async #empty(): Promise<void> {
    // Later, so that what is said in this turn is gone through once.
    await undefined;
    try {
      while (this.#waiting.length > 0) {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const { kind, target, flags, payload } of waiting) {
          while (!this.#publish(kind, target, flags, payload)) {
            await this.#producer.ready(payload.length);
          }
        }
      }
    } catch {
      // Closed while it waited for room: nobody is there any more to be told.
      this.#waiting = [];
    }
    this.#emptied = undefined;
  }

  /** Ends it; what was said is still done. */
  async close(): Promise<void> {
    await this.#emptied;
    this.#producer.close();
    await call((number) => binding.removeOutbox(environment, number, this.#number));
    this.#end();
  }

  /** Ends it; what was said is of no use any more. */
  abandon(): void {
    this.#producer.close();
    this.#end();
    binding.dropOutbox(this.#number);
  }

  #end(): void {
    this.#ring.memory.close();
    this.#ring.detach();
  }
}

function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}
