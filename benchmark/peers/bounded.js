/** Events that may be on their way: what the rings hold. */
const BOUND = 65_536;

/**
 * Waits while as much is on its way as the rings would hold: `postMessage` itself has no bound, and
 * would fill the memory with what the receiver has not come to.
 * @param {Int32Array} taken how many of this sender's events the receiver has taken, in shared memory
 * @param {number} sent how many this sender has sent
 * @param {number} senders that share the bound
 */
export function waitForRoom(taken, sent, senders = 1) {
  const bound = BOUND / senders;
  for (let seen = Atomics.load(taken, 0); sent - seen >= bound; seen = Atomics.load(taken, 0)) {
    Atomics.wait(taken, 0, seen);
  }
}
