import { invalidArgument, MillraceError } from '../errors.js';
import { Outbox } from './outbox.js';

/** Throws `ERR_MILLRACE_INVALID_ARGUMENT` when this cannot be sent. */
export function checkPayload(payload: unknown): void {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return;
  throw invalidArgument('payload', payload, 'a Uint8Array or a string');
}

/**
 * @internal What this thread says to the connections of one listener. Takes an outbox when there is something to say for the first
 * time; once the listener is closed, what is said is dropped, as everything is that is said to connections that are gone.
 */
export class Speaker {
  readonly #listener: number;
  #outbox: Outbox | undefined;
  #state: 'open' | 'over' | 'detached' = 'open';

  /** @param listener Its number in native code. */
  constructor(listener: number) {
    this.#listener = listener;
  }

  /**
   * Says one thing.
   *
   * @param kind One of {@link outgoing}.
   * @param target A reply token or a connection, by kind.
   * @param last For replies: whether the connection ends with it.
   */
  say(kind: number, target: number, payload: Uint8Array | string, last: boolean): void {
    if (this.#outbox === undefined && !this.#open()) return;
    (this.#outbox as Outbox).say(kind, target, payload, last);
  }

  #open(): boolean {
    if (this.#state === 'detached') {
      throw new MillraceError('ERR_MILLRACE_CLOSED', 'this thread has detached from the listener');
    }
    if (this.#state === 'open') this.#outbox = Outbox.open(this.#listener);
    if (!this.#outbox) this.#state = 'over';
    return this.#outbox !== undefined;
  }

  /** The listener is closed and so are its connections: what waits, and what comes, is dropped. */
  over(): void {
    if (this.#state === 'open') this.#state = 'over';
    this.#outbox?.abandon();
    this.#outbox = undefined;
  }

  /** Lets go: says what was said, and then nothing more. */
  async detach(): Promise<void> {
    this.#state = 'detached';
    const outbox = this.#outbox;
    this.#outbox = undefined;
    await outbox?.close();
  }
}
