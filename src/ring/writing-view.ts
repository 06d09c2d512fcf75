import type { RingMemory } from './ring-memory.js';
import { type SlotView, slotView } from './slot-view.js';
import type { View, ViewClass } from './view.js';

/** @internal The view of the only producer of a ring: it goes to the event, or record, that is written next. */
export interface WritingView extends SlotView {
  /** Next sequence to write. */
  $next: number;
  /**
   * The next sequence before which more than writing has to be done: a flush, a look for room, for a closed ring. So an
   * event costs one comparison.
   */
  $limit: number;
}

/** With `MILLRACE_CHECK=1`: has the event that `view` lies on filled. */
export function writeChecked<V extends unknown[]>(
  view: WritingView,
  write: (...values: V) => void,
  ...values: V
): void {
  try {
    write(...values);
  } finally {
    view.$at = -1;
  }
}

/**
 * A class of such views. How far was written stands in shared memory, where native code finds it if this thread ends,
 * and nowhere else.
 *
 * @param word Where it stands.
 */
export function writingView(
  view: ViewClass<View>,
  memory: RingMemory,
  word: number,
): ViewClass<WritingView> {
  const writing = class extends slotView(view, memory) {
    $limit = 0;
  };
  const written = memory.words.subarray(word, word + 1);
  Object.defineProperty(writing.prototype, '$next', nextAccessors(written));
  return writing as ViewClass<WritingView>;
}

// As short as `numberAccessors` has to be, and for the same reason.
function nextAccessors(written: Int32Array) {
  return {
    get() {
      return written[0];
    },
    set(sequence: number) {
      written[0] = sequence;
    },
  };
}
