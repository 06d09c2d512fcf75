import { type FileHandle, open } from 'node:fs/promises';
import { BatchQueue } from 'millrace';
import type { Settled } from './matching.js';

/** Orders whose answers may wait for the file; beyond that, matching waits. */
const mostWaiting = 4_096;

/**
 * The file of trades. While one batch is written the next gathers; an order is answered when what
 * it led to is in the file.
 */
export class Settlement {
  readonly queue: BatchQueue<Settled>;
  /** Rejects when the file could not be written; it never resolves. */
  readonly failed: Promise<never>;
  #file: FileHandle;

  private constructor(file: FileHandle, answer: (token: number, text: string) => void) {
    this.#file = file;
    let fail: (error: unknown) => void;
    this.failed = new Promise((_, reject) => {
      fail = reject;
    });
    this.queue = BatchQueue.create<Settled>(
      async (batch) => {
        const items = batch.take();
        const trades = items.map((item) => item.trades).join('');
        try {
          if (trades !== '') await file.appendFile(trades);
        } catch (error) {
          // A ring that feeds a queue goes on when items fail; an exchange must not.
          fail(error);
          throw error;
        }
        for (const item of items) if (item.answer) answer(item.answer.token, item.answer.text);
        return items.map(() => undefined);
      },
      { queueLimit: mostWaiting },
    );
  }

  static async open(
    path: string,
    answer: (token: number, text: string) => void,
  ): Promise<Settlement> {
    return new Settlement(await open(path, 'a'), answer);
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.#file.close();
  }
}
