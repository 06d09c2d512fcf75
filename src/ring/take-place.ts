import { binding } from '../native/binding.js';
import { environment } from '../park/environment.js';
import type { Stage } from './graph.js';
import { type Guest, takeSeat } from './join.js';
import { callNative, nativeError } from './native-error.js';
import type { Place } from './place.js';
import type { RingMemory } from './ring-memory.js';
import { StagePlace } from './stage-place.js';
import { WorkPlace } from './work-place.js';

/**
 * Takes the seat of a stage's consumer, or of one of its workers, or throws.
 *
 * @param free Called when a worker may have its next batch, which it could not before.
 */
export function takePlace(memory: RingMemory, stage: Stage | Guest, free: () => void): Place {
  if ('workers' in stage && stage.workers.length > 0) {
    return new WorkPlace(memory, stage, takeWorkerSeat(memory, stage), free);
  }
  return new StagePlace(
    memory,
    callNative(`stage '${stage.name}'`, () => takeSeat(memory, stage)),
  );
}

function takeWorkerSeat({ handle }: RingMemory, { name, index, workers }: Stage): number {
  try {
    return binding.takeWorker(environment, handle, index);
  } catch (error) {
    const { length } = workers;
    const what = length === 1 ? 'the one worker' : `the last of ${length} workers`;
    throw nativeError(error, `${what} of stage '${name}'`);
  }
}
