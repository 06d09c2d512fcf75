import type { RingMemory } from './ring-memory.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/** @internal The view of the only producer of a ring: it lies on the event that is written next. */
export interface WritingView extends View {
  /** Next sequence to write. */
  $next: number;
  /** With `MILLRACE_CHECK=1`: an event is being written. */
  $writing: boolean;
}

/**
 * A class of such views. How far was written stands in shared memory, where native code finds it if this thread ends,
 * and nowhere else: an event costs one store beside its fields. What it takes to find the slot is closed over, as in
 * `slotView`.
 *
 * @param word Where the sequence stands.
 */
export function writingView(
  view: ViewClass<View>,
  { words, slots, stride, mask }: RingMemory,
  word: number,
): ViewClass<WritingView> {
  const writing = class extends view {
    $writing = false;

    get $next(): number {
      return words[word] as number;
    }

    set $next(sequence: number) {
      words[word] = sequence;
    }
  };
  Object.defineProperty(writing.prototype, '$at', {
    get(this: WritingView): number {
      if (CHECKED && !this.$writing) return -1;
      return slots + ((words[word] as number) & mask) * stride;
    },
  });
  return writing;
}
