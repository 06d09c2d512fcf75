import { parentPort } from 'node:worker_threads';
import { Collections } from './collections.js';

/** The producing end of a measured run: counts its own thread's garbage, and tells when asked. */
export class Sending {
  #collections = new Collections();
  #count = null;

  /** To be called when the warm-up's events have been published. */
  begin() {
    this.#collections.begin();
  }

  /** To be called when the last event has been published. */
  async end() {
    this.#count = this.#collections.end();
    parentPort.on('message', async (message) => {
      if (message === 'collections') {
        parentPort.postMessage({ collections: await this.#count });
      }
    });
  }
}
