import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the store thread counts; its text is one part of `/metrics`. */
export class StoreMetrics {
  readonly #registry = new Registry();
  readonly #entries = new Counter({
    name: 'gateway_entries_committed_total',
    help: 'Entries committed to the database',
    registers: [this.#registry],
  });
  readonly #tryAgain = new Counter({
    name: 'gateway_try_again_total',
    help: 'Commands answered with TRYAGAIN because the database was away',
    registers: [this.#registry],
  });
  readonly #size = new Histogram({
    name: 'gateway_batch_commands',
    help: 'Commands in a batch',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [this.#registry],
  });
  readonly #time = new Histogram({
    name: 'gateway_batch_seconds',
    help: 'Time from taking a batch to its last answer',
    buckets: [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5],
    registers: [this.#registry],
  });

  constructor() {
    watchThread('store', this.#registry);
  }

  /** A batch was done. */
  committed(commands: number, entries: number, milliseconds: number): void {
    this.#entries.inc(entries);
    this.#size.observe(commands);
    this.#time.observe(milliseconds / 1000);
  }

  /** So many commands waited for the database for too long. */
  gaveUp(commands: number): void {
    this.#tryAgain.inc(commands);
  }

  /** Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** Reports how long this thread's event loop was busy, since it began. */
export function watchThread(thread: string, registry: Registry): void {
  new Gauge({
    name: `gateway_${thread}_thread_active_seconds`,
    help: `Time the ${thread} thread spent in JavaScript and what it called`,
    registers: [registry],
    collect() {
      const { active }: EventLoopUtilization = performance.eventLoopUtilization();
      this.set(active / 1000);
    },
  });
}
