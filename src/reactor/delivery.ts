import { invalidArgument, MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { nativeError } from '../ring/native-error.js';
import { Dispatch } from './dispatch.js';
import type { Handlers } from './handlers.js';
import type { Inbox } from './inbox.js';
import { EVENTS, type IntoRing } from './into-ring.js';
import { MessageBatches } from './message-batches.js';
import type { Speaker } from './speaker.js';

/** Where the messages of a listener go; said once. */
export class Delivery {
  readonly inbox: Inbox;
  readonly #listener: number;
  readonly #speaker: Speaker;
  #to: 'nobody' | 'handlers' | MessageBatches = 'nobody';

  /** @param listener Its number in native code. */
  constructor(listener: number, inbox: Inbox, speaker: Speaker) {
    this.#listener = listener;
    this.inbox = inbox;
    this.#speaker = speaker;
  }

  /** Everything goes to handlers. */
  toHandlers(handlers: Handlers): void {
    this.#checkFree();
    this.#begin();
    this.#start(handlers);
  }

  /** Messages go into a ring; `into` is called when that is possible. What else there is goes to its handlers. */
  toRing(into: () => IntoRing): void {
    this.#checkFree();
    const { start, handlers } = into();
    start(this.#listener);
    this.#start(handlers);
  }

  /** Messages go to who asks for the next ones; there are none when the listener was closed before. */
  toWaits(): MessageBatches {
    if (this.#to instanceof MessageBatches) return this.#to;
    if (!this.inbox.closed) {
      this.#checkFree();
      this.#begin();
    }
    const dispatch = new Dispatch({}, this.#speaker, this.inbox.memory);
    this.#to = new MessageBatches(this.inbox, dispatch);
    return this.#to;
  }

  #checkFree(): void {
    if (this.inbox.closed)
      throw new MillraceError('ERR_MILLRACE_CLOSED', 'this listener is closed');
    if (this.#to === 'nobody') return;
    throw invalidArgument('listener', 'one in use', 'given to serve, into or waits once');
  }

  #begin(): void {
    try {
      binding.serveListener(this.#listener, EVENTS);
    } catch (cause) {
      throw nativeError(cause, 'this listener');
    }
  }

  #start(handlers: Handlers): void {
    this.#to = 'handlers';
    const dispatch = new Dispatch(handlers, this.#speaker, this.inbox.memory);
    this.inbox.start((record) => dispatch.handle(record));
  }
}
