import type { LoadResult } from './load-protocol.js';
import type { Measurements } from './measurements.js';

const BAR = 30;

/** Whether the gateway kept its promise: every answered id was found again. */
export function isKept({ answered, missing, errors }: LoadResult): boolean {
  return answered > 0 && missing === 0 && errors === 0;
}

/** What the demo found, for a person to read. */
export function report(result: LoadResult, before: Measurements, after: Measurements): string {
  const { events, elapsed, latency, answered, missing, errors } = result;
  const perEvent = (thread: string): string => {
    const active = after.since(before, `gateway_${thread}_thread_active_seconds`);
    return `${((active * 1e6) / events).toFixed(2)} us`;
  };
  const batches = after.since(before, 'gateway_batch_commands_count');
  const commands = after.since(before, 'gateway_batch_commands_sum');
  const rows: readonly (readonly [string, string])[] = [
    ['events a second', Math.round(events / (elapsed / 1000)).toLocaleString('en')],
    [
      'latency p50 / p99 / p99.9',
      `${[latency.p50, latency.p99, latency.p999].map((ms) => ms.toFixed(1)).join(' / ')} ms`,
    ],
    ['main thread an event', perEvent('main')],
    ['store thread an event', `${perEvent('store')}, the database in it`],
    ['resident memory', `${Math.round(after.get('process_resident_memory_bytes') / 2 ** 20)} MiB`],
    ['events a batch, mean', (commands / Math.max(batches, 1)).toFixed(1)],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(28)}${value}`);
  const verdict = `${answered.toLocaleString('en')} ids answered, ${missing} missing, ${errors} errors`;
  return [...lines, 'batch sizes', ...histogram(after.batchesSince(before)), verdict].join('\n');
}

function histogram(classes: readonly { upTo: string; count: number }[]): string[] {
  const most = Math.max(1, ...classes.map(({ count }) => count));
  return classes
    .filter(({ count }) => count > 0)
    .map(({ upTo, count }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((count / most) * BAR)));
      return `${`<= ${upTo}`.padStart(9)}  ${bar} ${count}`;
    });
}
