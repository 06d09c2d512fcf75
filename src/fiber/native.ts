import { AsyncResource } from 'node:async_hooks';
import { invalidArgument, MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { environment } from '../park/environment.js';
import type { Place } from '../ring/fields.js';
import { type Stage, writerBeside } from '../ring/graph.js';
import { layout } from '../ring/layout.js';
import { nativeError } from '../ring/native-error.js';
import type { Recovering, RunOptions } from '../ring/run-options.js';
import type { SharedRing } from '../ring/shared-ring.js';
import type { Scheduler } from './scheduler.js';

/** Native work that a scheduler can run as a stage of a ring; made by {@link native}. */
export interface NativeStage {
  /** @internal Runs it until the ring has ended. */
  run(ring: SharedRing, stage: string, scheduler: Scheduler, recovering: Recovering): Promise<void>;
}

/** What a hash stage reads and writes. */
export interface HashOptions {
  /** The field that gets the digest: `bytes(n)`, which the stage must own. */
  readonly to: string;
  /**
   * The field that is hashed, of type `bytes(n)` or `utf8(n)`; the payload of a record when left out. No stage that may
   * run at the same time may own it.
   */
  readonly from?: string;
}

/** Native work. */
export const native = {
  /**
   * Writes the hash of each event or record into one of its fields. A field shorter than the hash gets its beginning.
   *
   * @param algorithm `'sha256'`: 32 bytes.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`. Fields are checked when the stage is run: their names and types, and with
   *   `ERR_MILLRACE_FIELD_OWNERSHIP` who owns them.
   *
   * @example
   * const scheduler = Scheduler.create();
   * const records = ByteRing.create({
   *   capacity: 1 << 16,
   *   header: { digest: 'bytes(32)' },
   *   stages: { digest: { writes: ['digest'] } },
   * });
   * const done = records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
   * await records.close();
   * await done;
   * await scheduler.close();
   */
  hash(algorithm: 'sha256', options: HashOptions): NativeStage {
    if (algorithm !== 'sha256') throw invalidArgument('algorithm', algorithm, "'sha256'");
    if (typeof options !== 'object' || options === null) {
      throw invalidArgument('options', options, 'an object with the field to write: { to }');
    }
    return {
      async run(ring, stageName, scheduler, recovering) {
        const stage = ring.stage(stageName);
        checkScheduler(scheduler);
        const to = field(ring.places, 'to', options.to);
        if (to.kind !== 'bytes')
          throw invalidArgument('to', options.to, "a field of type 'bytes(n)'");
        if (!stage.writes.has(to.name)) {
          throw new MillraceError(
            'ERR_MILLRACE_FIELD_OWNERSHIP',
            `stage '${stageName}' does not own the field '${to.name}'; declare it in the stage's 'writes'`,
          );
        }
        const from = source(ring, stage, options.from);
        const work = { algorithm, to: to.offset, toLength: to.length, ...from };
        const { handle } = ring.memory;
        const { skipped, ...rest } = recovering;
        const policy = { ...rest, stage: stageName, tells: skipped !== undefined };
        const telling = skipped && new Telling(ring, stageName, skipped);
        try {
          await scheduler.perform(
            (answer, number) =>
              binding.runHashStage(environment, answer, number, handle, stage.index, work, policy),
            telling?.tell,
          );
        } catch (error) {
          throw stageError(error, stageName);
        }
        telling?.check();
      },
    };
  },
} as const;

/** Tells a callback of events that native work passed over; what that throws stops the ring. */
class Telling {
  /** Called on the event loop, for each event. */
  readonly tell: (message: string, number: number) => void;
  #refused: { readonly thrown: unknown } | undefined;

  constructor(ring: SharedRing, stage: string, skipped: NonNullable<RunOptions['skipped']>) {
    const told = AsyncResource.bind(skipped);
    this.tell = (message, number) => {
      if (this.#refused) return;
      const failed = new MillraceError('ERR_MILLRACE_INTERNAL', `stage '${stage}': ${message}`);
      try {
        told(failed, number);
      } catch (thrown) {
        this.#refused = { thrown };
        ring.memory.fail(stage, thrown);
      }
    };
  }

  /** Throws what the callback threw. */
  check(): void {
    if (this.#refused) throw this.#refused.thrown;
  }
}

/** By its shape: it may come from another copy of this package. */
function checkScheduler(scheduler: Partial<Scheduler> | undefined): void {
  if (typeof scheduler?.perform === 'function') return;
  throw invalidArgument('scheduler', scheduler, 'a Scheduler');
}

/** The failure of a stage: one that could not be opened, or one that was answered. */
function stageError(error: unknown, stage: string): Error {
  if (!(error instanceof MillraceError)) return nativeError(error, `stage '${stage}'`);
  if (error.code === 'ERR_MILLRACE_CLOSED') {
    const what = `the scheduler was closed before the ring; stage '${stage}' can be opened again`;
    return new MillraceError(error.code, what, { cause: error });
  }
  return new MillraceError(error.code, `stage '${stage}': ${error.message}`, { cause: error });
}

function source(ring: SharedRing, stage: Stage, name: string | undefined) {
  if (name === undefined) {
    if (ring.memory.words[layout.HEADER_KIND] === layout.KIND_BYTES)
      return { from: -1, fromLength: 0, fromText: false };
    throw invalidArgument('from', name, "the name of a 'bytes(n)' or 'utf8(n)' field");
  }
  const from = field(ring.places, 'from', name);
  if (from.kind !== 'bytes' && from.kind !== 'utf8') {
    throw invalidArgument('from', name, "a field of type 'bytes(n)' or 'utf8(n)'");
  }
  // A handler that reads half of what is being written sees it in time; a digest of that is wrong for good.
  const writer = writerBeside(ring.graph, stage, from.name);
  if (writer) {
    throw new MillraceError(
      'ERR_MILLRACE_FIELD_OWNERSHIP',
      `stage '${stage.name}' would read the field '${from.name}' while stage '${writer.name}' may be writing it; ` +
        `have one of the two follow the other by 'after'`,
    );
  }
  return { from: from.offset, fromLength: from.length, fromText: from.kind === 'utf8' };
}

function field(places: readonly Place[], option: string, name: string | undefined): Place {
  const place = places.find((one) => one.name === name);
  if (place) return place;
  throw invalidArgument(option, name, `one of ${places.map((one) => one.name).join(', ')}`);
}
