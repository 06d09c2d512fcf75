import type { RingOptions, StageOptions } from 'millrace';
import { random } from '../ring/random.js';

/** The fields of an event: who published it and as its which, a check of both, and what each stage wrote. */
export const fields = {
  life: 'u32',
  n: 'u32',
  check: 'u32',
  m0: 'u32',
  m1: 'u32',
  m2: 'u32',
  m3: 'u32',
} as const;

export type Event = { -readonly [K in keyof typeof fields]: number };

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

/** A stage as those who check it see it. */
export interface PlannedStage {
  readonly name: string;
  readonly index: number;
  readonly workers: number;
  /** Indices of all stages that come before it. */
  readonly before: readonly number[];
}

/** Everything about a round that its seed settles; how its threads meet is nobody's to settle. */
export interface Plan {
  readonly seed: number;
  readonly graph: Graph;
  readonly stages: readonly PlannedStage[];
  readonly definition: Readonly<Record<string, StageOptions>>;
  readonly options: RingOptions & { readonly capacity: number };
  readonly producers: number;
  /** The number of the first sequence. */
  readonly first: number;
  /** Events after which producers stop. */
  readonly events: number;
  /** Events after which the ring is closed, whoever still publishes. */
  readonly closeAt: number;
  /** How many workers are terminated, and how many stages join. */
  readonly ends: number;
  readonly visitors: number;
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
  const capacity = 2 << below(12);
  // A small ring moves fewer events in the same time.
  const events = Math.min(200 + below(8000), capacity * 200);
  const producers = below(2) === 0 ? 1 : 2 + below(3);
  return {
    seed,
    graph,
    stages: names.map((name, index) => ({
      name,
      index,
      workers: shape[name]?.workers ?? 0,
      before: before(name).map((one) => names.indexOf(one)),
    })),
    definition: Object.fromEntries(
      names.map((name, index) => [name, { ...shape[name], writes: [`m${index}`] }]),
    ),
    options: {
      capacity,
      producers: producers === 1 && below(3) > 0 ? 'single' : 'multi',
      maxProducers: 32,
      wait: below(3) === 0 ? 'block' : 'adaptive',
    },
    producers,
    first: below(3) === 0 ? 2 ** 32 - below(events) - 1 : 0,
    events,
    closeAt: below(2) === 0 ? below(events) : events,
    ends: below(9),
    visitors: below(3),
  };
}

/** What the event says if it is whole. */
export const checkOf = (life: number, n: number): number =>
  (Math.imul(life + 1, 0x9e3779b1) ^ Math.imul(n + 7, 0x85ebca6b)) >>> 0;

/** What the stage with an index writes to its field. */
export const markOf = (life: number, n: number, index: number): number =>
  (checkOf(life, n) + index + 1) >>> 0;
