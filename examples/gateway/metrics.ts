import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Records } from './pipeline.js';
import { watchThread } from './store-metrics.js';

/** Milliseconds between two looks at how late the event loop is. */
const RESOLUTION = 10;

/** What the main thread counts: the ring's `metrics` stage, connections, and its own event loop. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #commands = new Counter({
    name: 'gateway_commands_total',
    help: 'Commands received',
    registers: [this.#registry],
  });
  readonly #bytes = new Counter({
    name: 'gateway_received_bytes_total',
    help: 'Bytes of commands received',
    registers: [this.#registry],
  });
  readonly #closed = new Counter({
    name: 'gateway_connections_closed_total',
    help: 'Connections closed, by reason',
    labelNames: ['reason'],
    registers: [this.#registry],
  });

  constructor() {
    watchThread('main', this.#registry);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
    delay.enable();
    new Gauge({
      name: 'gateway_event_loop_delay_p99_seconds',
      help: 'How late the main thread is, 99th percentile since the last scrape',
      registers: [this.#registry],
      collect() {
        // What is recorded is the time between two looks; a loop that is never late has RESOLUTION.
        this.set(Math.max(0, delay.percentile(99) / 1e9 - RESOLUTION / 1e3));
        delay.reset();
      },
    });
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process',
      registers: [this.#registry],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
  }

  /** Commands so far, exact. */
  commands = 0;

  /** Runs the ring's stage: it counts, a batch at a time, until the ring ends. */
  async run(records: Records): Promise<void> {
    for await (const batch of records.consumer('metrics')) {
      let bytes = 0;
      let commands = 0;
      for (const record of batch) {
        bytes += record.length;
        commands++;
      }
      this.commands += commands;
      this.#commands.inc(commands);
      this.#bytes.inc(bytes);
    }
  }

  /** A connection closed for this reason. */
  connectionClosed(reason: string): void {
    this.#closed.inc({ reason });
  }

  /** Reports how many connections there are. */
  watchConnections(count: () => number): void {
    new Gauge({
      name: 'gateway_connections',
      help: 'Connections open now',
      registers: [this.#registry],
      collect() {
        this.set(count());
      },
    });
  }

  /** Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
