/**
 * One way of doing an experiment's work.
 * @typedef {object} Side
 * @property {'ours' | 'peer' | 'limit'} role
 * @property {string} name
 * @property {string | null} variant which of our ways this is, where we have several
 * @property {(effort: import('./effort.js').Effort) => Promise<Record<string, number | import('./latencies.js').Curve>>} run
 *   Does the work once, in fresh processes, and gives a number for each case it has something to say on, and a curve
 *   where the experiment names one.
 */

/**
 * Millrace, through its public API. Of several variants, each a side of its own, a case's row holds
 * the best, as it relates to the best of a peer's.
 */
export const ours = (run, variant = null) => ({
  role: 'ours',
  name: variant === null ? 'ours' : `ours-${variant}`,
  variant,
  run,
});

/** What a user would take instead, set up the way its own docs say is fastest. */
export const peer = (name, run) => ({ role: 'peer', name, variant: null, run });

/** A reference line: what the machine allows a loop that does nothing else. */
export const limit = (name, run) => ({ role: 'limit', name, variant: null, run });
