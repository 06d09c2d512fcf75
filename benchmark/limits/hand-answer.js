import { startAsking } from '../frame/round-trips.js';
import { ANSWER, ENDED, QUESTION, WORDS } from './hand-answer-layout.js';

const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
await startAsking(new URL('hand-answer-worker.js', import.meta.url), { words });

/** A function, because V8 compiles a loop at the top level of a module less well. */
function answer() {
  let seen = 0;
  for (;;) {
    const asked = Atomics.load(words, QUESTION);
    if (asked === ENDED) {
      return;
    }
    if (asked !== seen) {
      seen = asked;
      Atomics.store(words, ANSWER, asked);
    }
  }
}

answer();
