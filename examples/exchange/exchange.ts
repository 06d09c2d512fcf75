import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { framing, type Listener, Reactor, Ring } from 'millrace';
import { Chaos } from './chaos.js';
import { orders } from './events.js';
import { Intake } from './intake.js';
import { Matching } from './matching.js';
import type { Options } from './options.js';
import { grammar, parseOrder } from './order-line.js';
import { ReplacedWorker } from './replaced-worker.js';
import { Settlement } from './settlement.js';

/** All parts of the exchange, started and stopped as one. */
export class Exchange {
  /** Where this session's files are. */
  readonly directory: string;
  readonly listener: Listener;
  readonly workers: readonly ReplacedWorker[];
  readonly matching = new Matching();
  readonly settlement: Settlement;
  /** Rejects when a part failed; it never resolves. */
  readonly failed: Promise<never>;
  #reactor: Reactor;
  #ring;
  #matched: Promise<void>;

  static async start(options: Options): Promise<Exchange> {
    const reactor = Reactor.create();
    try {
      const { host, port } = options;
      const listener = await reactor.listen({ host, port, framing: framing.lines({ max: 128 }) });
      const session = new Date().toISOString().replaceAll(':', '-');
      const directory = join(options.data, session);
      await mkdir(directory, { recursive: true });
      const settlement = await Settlement.open(join(directory, 'settlement.log'), (token, text) =>
        listener.reply(token, text),
      );
      return new Exchange(options, directory, reactor, listener, settlement);
    } catch (error) {
      await reactor.close();
      throw error;
    }
  }

  private constructor(
    options: Options,
    directory: string,
    reactor: Reactor,
    listener: Listener,
    settlement: Settlement,
  ) {
    this.directory = directory;
    this.listener = listener;
    this.settlement = settlement;
    this.#reactor = reactor;
    const ring = Ring.create({ ...orders, capacity: options.capacity, producers: 'multi' });
    this.#ring = ring;
    const worker = (name: string, data?: object) =>
      new ReplacedWorker(name, new URL(`./${name}-worker.js`, import.meta.url), {
        ring: ring.handle,
        ...data,
      });
    this.workers = [
      worker('risk'),
      worker('journal', { path: join(directory, 'journal.log') }),
      worker('maker', { quoteEvery: options.quoteEvery }),
    ];
    this.#matched = ring.consumer('match').into(settlement.queue, {
      map: (order) => this.matching.match(order),
    });
    const parts = [...this.workers.map(({ done }) => done), this.#matched, settlement.failed];
    this.failed = Promise.all(parts).then(() => settlement.failed);
    this.#serve(new Intake(ring.producer()), new Chaos(this.workers, options.chaos, options.seed));
  }

  #serve(intake: Intake, chaos: Chaos): void {
    this.listener.serve({
      message: (_connection, message) => {
        const line = parseOrder(message.text);
        if (line === undefined) return message.reply(`ERROR expected: ${grammar}`);
        intake.accept(line, message);
        chaos.step();
      },
    });
  }

  /**
   * Takes no more orders, answers those it has, and ends. Rejects when `timeout` milliseconds to
   * answer and as many to settle were not enough.
   */
  async close(timeout: number): Promise<void> {
    await this.listener.drain({ timeout });
    const { abandoned } = await this.#ring.close({ timeout });
    if (abandoned > 0)
      throw new Error(`${abandoned} orders and quotes could not be settled in time`);
    await Promise.all([this.#matched, ...this.workers.map(({ done }) => done)]);
    await Promise.all([this.settlement.close(), this.#reactor.close()]);
  }
}
