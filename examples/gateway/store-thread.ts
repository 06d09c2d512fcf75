import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StartRefused } from './database/database.js';
import { Deferred } from './deferred.js';
import { log } from './log.js';
import type { StoreMessage, StoreOptions, StoreRequest } from './store-protocol.js';

/** So long a scrape waits for the store thread. */
const METRICS_TIMEOUT = 1000;

/** What becomes of the store thread while it runs. */
export interface StoreEvents {
  available(available: boolean): void;
  /** It ended, and was not asked to. */
  failed(reason: string): void;
}

/** The store thread, seen from the main thread. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #events: StoreEvents;
  readonly #ready = new Deferred<void>();
  readonly #ended: Promise<unknown>;
  #scrapes: ((text: string) => void)[] = [];
  #finished = false;

  constructor(options: StoreOptions, events: StoreEvents) {
    this.#events = events;
    this.#worker = new Worker(new URL('./store.js', import.meta.url), { workerData: options });
    this.#worker.on('message', (message: StoreMessage) => this.#hear(message));
    this.#worker.on('error', (error: Error) => this.#fail(error.stack ?? error.message));
    this.#ended = once(this.#worker, 'exit').then(() => this.#fail('the store thread ended'));
    this.#ready.promise.catch(() => {});
  }

  /** Resolves when it serves; rejects with {@link StartRefused} when it cannot. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when it has done all commands and its thread has ended. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** Its part of `/metrics`; nothing when it does not answer in time. */
  async metrics(): Promise<string> {
    if (this.#finished) return '';
    const scrape = new Deferred<string>();
    const timer = setTimeout(scrape.resolve, METRICS_TIMEOUT, '');
    this.#scrapes.push(scrape.resolve);
    this.#ask({ kind: 'metrics' });
    const text = await scrape.promise;
    clearTimeout(timer);
    return text;
  }

  /** No more commands come: it answers all within so many milliseconds, whatever the database does. */
  drain(within: number): void {
    this.#ask({ kind: 'drain', within });
  }

  #ask(request: StoreRequest): void {
    this.#worker.postMessage(request);
  }

  #hear(message: StoreMessage): void {
    switch (message.kind) {
      case 'serving':
        this.#ready.resolve();
        break;
      case 'refused':
        this.#finished = true;
        this.#ready.reject(new StartRefused(message.reason));
        break;
      case 'available':
        this.#events.available(true);
        break;
      case 'away':
        log(`the database is away: ${message.reason}`);
        this.#events.available(false);
        break;
      case 'failed':
        this.#fail(message.reason);
        break;
      case 'finished':
        this.#finished = true;
        break;
      case 'metrics':
        for (const give of this.#scrapes.splice(0)) give(message.text);
    }
  }

  #fail(reason: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#ready.reject(new Error(reason));
    this.#events.failed(reason);
  }
}
