/** Events that may be on their way: what the rings hold. */
const BOUND = 65_536;

/**
 * Waits while as much is on its way as the rings would hold: `postMessage` itself has no bound, and
 * would fill the memory with what the receiver has not come to.
 * @param {Int32Array} taken how many events the receiver has taken, in shared memory
 * @param {number} sent how many have been sent
 */
export function waitForRoom(taken, sent) {
  for (let seen = Atomics.load(taken, 0); sent - seen >= BOUND; seen = Atomics.load(taken, 0)) {
    Atomics.wait(taken, 0, seen);
  }
}
