import { invalidArgument } from '../errors.js';
import { layout } from './layout.js';

/** A stage of a ring. */
export interface StageOptions {
  /** Stages that must be done with an event first; the producers when left out. */
  readonly after?: readonly string[];
  /** Fields this stage may write. No stage that may run at the same time may own them too. */
  readonly writes?: readonly string[];
  /**
   * How many workers share this stage's events, each event going to exactly one of them: 1 to 30. `ring.consumer` then
   * opens the stage so many times, from any threads. Without it the stage has one consumer, which gets every event in
   * order. A ring has 31 places for stages and workers together.
   */
  readonly workers?: number;
}

/** The stages of a ring, by name. */
export type Stages = Readonly<Record<string, StageOptions>>;

/** @internal A stage as it lies in memory. */
export interface Stage {
  readonly name: string;
  readonly index: number;
  /** Bits of the stages it follows, or of the cursor. */
  readonly upstream: number;
  readonly writes: ReadonlySet<string>;
  /** It has joined the ring, and is not of its graph. */
  readonly joined?: true;
  /** Which join of the ring that was, where it was read from the ring: tells it from a later one of the same name. */
  readonly join?: number;
  /** Seats of the workers that share it; none when it has one consumer. */
  readonly workers: readonly number[];
}

const CURSOR = 1 << layout.CURSOR_BIT;

/**
 * Checks that stages make a graph: named, without circles, and no field owned by two stages that
 * may run at the same time.
 *
 * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, with the path of a circle.
 */
export function makeGraph(stages: Stages, fields: readonly string[]): Stage[] {
  if (typeof stages !== 'object' || stages === null) {
    throw invalidArgument('stages', stages, 'an object of stages, such as { store: {} }');
  }
  const names = Object.keys(stages);
  if (names.length < 1 || names.length > layout.MAX_STAGES) {
    throw invalidArgument('stages', names, `1 to ${layout.MAX_STAGES} stages`);
  }
  let seats = names.length;
  const graph = names.map((name, index) => {
    const { after, writes, workers } = checkStage(name, stages[name]);
    const upstream = maskOf(names, after, `stages.${name}.after`);
    for (const field of writes) {
      if (!fields.includes(field)) {
        throw invalidArgument(`stages.${name}.writes`, field, oneOf(fields));
      }
    }
    const seatsOfWorkers = Array.from({ length: workers }, () => seats++);
    return { name, index, upstream, writes: new Set(writes), workers: seatsOfWorkers };
  });
  if (seats > layout.MAX_STAGES) {
    const allowed = `at most ${layout.MAX_STAGES} stages and workers together`;
    throw invalidArgument('stages', `${seats} of them`, allowed);
  }
  const ancestors = findAncestors(graph);
  checkOwners(graph, ancestors);
  return graph;
}

const stageOptions = ['after', 'writes', 'workers'];

function checkStage(name: string, stage: StageOptions | undefined): Required<StageOptions> {
  // An object literal does not have such a stage: it is its prototype.
  if (name === '__proto__') throw invalidArgument('stages', name, "other names than '__proto__'");
  if (typeof stage !== 'object' || stage === null) {
    throw invalidArgument(`stages.${name}`, stage, 'an object, such as { after: [], writes: [] }');
  }
  // A misspelt `after` would have the stage run beside the one it follows.
  const unknown = Object.keys(stage).find((option) => !stageOptions.includes(option));
  if (unknown !== undefined) {
    const allowed = `an object with no other options than ${stageOptions.join(', ')}`;
    throw invalidArgument(`stages.${name}`, unknown, allowed);
  }
  const { after = [], writes = [], workers } = stage;
  for (const [option, names] of Object.entries({ after, writes })) {
    if (!Array.isArray(names)) throw invalidArgument(`stages.${name}.${option}`, names, 'an array');
  }
  checkWorkers(name, workers);
  return { after, writes, workers: workers ?? 0 };
}

/** Bits of the stages that are followed, or of the cursor; `option` is what the user calls them. */
export function maskOf(names: readonly string[], after: readonly string[], option: string): number {
  let mask = 0;
  for (const other of after) {
    const bit = names.indexOf(other);
    if (bit < 0) throw invalidArgument(option, other, oneOf(names));
    mask |= 1 << bit;
  }
  return mask || CURSOR;
}

function checkWorkers(stage: string, workers: unknown): void {
  if (workers === undefined) return;
  const most = layout.MAX_STAGES - 1;
  if (Number.isInteger(workers) && (workers as number) >= 1 && (workers as number) <= most) return;
  throw invalidArgument(`stages.${stage}.workers`, workers, `a whole number from 1 to ${most}`);
}

/** Bits of the stages nobody follows: what producers must not overtake. */
export function sinksOf(graph: readonly Stage[]): number {
  const followed = graph.reduce((all, { upstream }) => all | upstream, 0);
  return graph.reduce((all, { index }) => (followed & (1 << index) ? all : all | (1 << index)), 0);
}

/** For each stage the bits of all stages that come before it. */
function findAncestors(graph: readonly Stage[]): number[] {
  const ancestors: number[] = [];
  const visit = (index: number, path: readonly number[]): number => {
    if (path.includes(index)) {
      const circle = [...path.slice(path.indexOf(index)), index].reverse();
      const shown = circle.map((at) => graph[at]?.name).join(' -> ');
      throw invalidArgument('stages', shown, 'stages that do not follow each other in a circle');
    }
    const known = ancestors[index];
    if (known !== undefined) return known;
    const { upstream } = graph[index] as Stage;
    let all = upstream & ~CURSOR;
    for (const other of graph) {
      if (upstream & (1 << other.index)) all |= visit(other.index, [...path, index]);
    }
    ancestors[index] = all;
    return all;
  };
  for (const { index } of graph) visit(index, []);
  return ancestors;
}

/** Stages that may have an event while this one has it: neither those it follows do, nor those that follow it. */
function stagesBeside(
  graph: readonly Stage[],
  { name, upstream }: Pick<Stage, 'name' | 'upstream'>,
): Stage[] {
  const ancestors = findAncestors(graph);
  const bit = graph.reduce((bit, stage) => (stage.name === name ? 1 << stage.index : bit), 0);
  let before = bit;
  for (const { index } of graph) {
    if (upstream & (1 << index)) before |= (1 << index) | (ancestors[index] as number);
  }
  return graph.filter(
    ({ index }) => !(before & (1 << index)) && !((ancestors[index] as number) & bit),
  );
}

/** Fields that other stages may write while this one has their event. */
export function writtenBeside(
  graph: readonly Stage[],
  stage: Pick<Stage, 'name' | 'upstream'>,
): ReadonlySet<string> {
  return new Set(stagesBeside(graph, stage).flatMap(({ writes }) => [...writes]));
}

/** A stage that may write this field while this one has its event. */
export function writerBeside(
  graph: readonly Stage[],
  stage: Stage,
  field: string,
): Stage | undefined {
  return stagesBeside(graph, stage).find(({ writes }) => writes.has(field));
}

function checkOwners(graph: readonly Stage[], ancestors: readonly number[]): void {
  for (const a of graph) {
    for (const b of graph) {
      if (a.index >= b.index) continue;
      const ordered =
        (ancestors[b.index] as number) & (1 << a.index) ||
        (ancestors[a.index] as number) & (1 << b.index);
      const both = [...a.writes].filter((field) => b.writes.has(field));
      if (ordered || both.length === 0) continue;
      throw invalidArgument(
        'stages',
        `'${a.name}' and '${b.name}' both write '${both[0]}'`,
        'one owner a field among stages that may run at the same time',
      );
    }
  }
}

function oneOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing: there is none' : `one of ${names.join(', ')}`;
}
