import type { RingOptions, StageOptions } from 'millrace';
import { random } from '../ring/random.js';
import { RECORD_HEAD } from './event.js';

type Shape = Readonly<Record<string, StageOptions>>;

const shapes = {
  single: { a: {} },
  pipeline: { a: {}, b: { after: ['a'] }, c: { after: ['b'] } },
  multicast: { a: {}, b: {}, c: {} },
  diamond: { a: {}, b: {}, c: { after: ['a', 'b'] } },
  sinks: { a: {}, b: { after: ['a'] }, c: { after: ['a'] }, d: {} },
  shared: { a: {}, b: { after: ['a'], workers: 3 }, c: { after: ['b'] } },
} as const satisfies Record<string, Shape>;

export type Graph = keyof typeof shapes;
export const graphs = Object.keys(shapes) as Graph[];

/** The native stage, where a graph has one. */
export const DIGEST = 'digest';

/** How a stage ends the ring. */
export const failures = ['stop', 'retry', 'skipped'] as const;

export interface Failure {
  readonly how: (typeof failures)[number];
  /** Events that are begun before. */
  readonly after: number;
}

/** A stage of JavaScript as those who check it see it. */
export interface PlannedStage {
  readonly name: string;
  readonly index: number;
  readonly workers: number;
  /** Indices of all stages that come before it. */
  readonly before: readonly number[];
  /** Whether the native stage does. */
  readonly digested: boolean;
  readonly failure: Failure | undefined;
}

/** Everything about a round that its seed settles; how its threads meet is nobody's to settle. */
export interface Plan {
  readonly seed: number;
  readonly graph: Graph;
  /** Records or events. */
  readonly records: boolean;
  /** Most bytes of a record's payload. */
  readonly payload: number;
  readonly stages: readonly PlannedStage[];
  /** The stages, with the native one. */
  readonly definition: Readonly<Record<string, StageOptions>>;
  readonly options: RingOptions & { readonly capacity: number };
  readonly producers: number;
  /** The number of the first sequence. */
  readonly first: number;
  /** Events after which producers stop. */
  readonly events: number;
  /** Events after which the ring is closed, whoever still publishes. */
  readonly closeAt: number;
  /** Milliseconds that stages have then; undefined for as long as they need. */
  readonly closeWithin: number | undefined;
  /** How many threads are terminated, and how many stages join. */
  readonly ends: number;
  readonly visitors: number;
  /** How many roles the main thread has at a time. */
  readonly onMain: number;
}

/** The graph that a seed is about. */
export const graphOf = (seed: number): Graph => graphs[seed % graphs.length] as Graph;

/** What a seed stands for. */
export function planOf(seed: number): Plan {
  const below = random(seed);
  const graph = graphOf(seed);
  const shape: Shape = shapes[graph];
  const names = Object.keys(shape);
  const before = (name: string): string[] =>
    (shape[name]?.after ?? []).flatMap((one) => [one, ...before(one)]);
  const records = below(3) === 0;
  const slots = 2 << below(12);
  const capacity = records ? 512 << below(8) : slots;
  const wait = (['block', 'adaptive', 'adaptive', 'yield', 'spin', 'adaptive'] as const)[below(6)];
  const sleeps = wait !== 'yield' && wait !== 'spin';
  // A small ring moves fewer events in the same time, and so do threads that never sleep on few cores.
  const some = Math.min(200 + below(8000), (records ? capacity / 64 : capacity) * 200);
  const events = sleeps ? some : Math.ceil(some / 4);
  const producers = below(5) < 3 ? 1 : 2 + below(sleeps ? 3 : 1);
  const digests = below(3) === 0 ? [names[below(names.length)] as string] : [];
  const follows = (name: string): boolean =>
    [name, ...before(name)].some((one) => digests.includes(one));
  const failing = below(3) === 0 ? below(names.length) : -1;
  const failure = { how: failures[below(3)] as Failure['how'], after: below(events) };
  return {
    seed,
    graph,
    records,
    payload: Math.min(capacity / 2 - RECORD_HEAD, 4096),
    stages: names.map((name, index) => ({
      name,
      index,
      workers: shape[name]?.workers ?? 0,
      before: before(name).map((one) => names.indexOf(one)),
      digested: follows(name),
      failure: index === failing ? failure : undefined,
    })),
    definition: Object.fromEntries([
      ...digests.map(() => [DIGEST, { writes: ['digest'] }]),
      ...names.map((name, index) => {
        const after = [...(shape[name]?.after ?? []), ...(digests.includes(name) ? [DIGEST] : [])];
        return [name, { ...shape[name], after, writes: [`m${index}`] }];
      }),
    ]),
    options: {
      capacity,
      producers: producers === 1 && below(4) > 0 ? 'single' : 'multi',
      maxProducers: 32,
      wait: wait ?? 'adaptive',
    },
    producers,
    first: below(3) === 0 ? 2 ** 32 - below(events) - 1 : 0,
    events,
    closeAt: below(3) === 0 ? below(events) : events,
    closeWithin: below(4) === 0 ? below(40) : undefined,
    ends: below(9),
    visitors: below(sleeps ? 3 : 2),
    onMain: below(2) === 0 ? 0 : 1 + below(2),
  };
}
