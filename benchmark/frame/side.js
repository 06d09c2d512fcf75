/**
 * One way of doing an experiment's work.
 * @typedef {object} Side
 * @property {'ours' | 'peer' | 'limit'} role
 * @property {string} name
 * @property {(effort: import('./effort.js').Effort) => Promise<Record<string, number>>} run
 *   Does the work once, in fresh processes, and gives a number for each case it has something to say on.
 */

/** Millrace, through its public API. */
export const ours = (run) => ({ role: 'ours', name: 'ours', run });

/** What a user would take instead, set up the way its own docs say is fastest. */
export const peer = (name, run) => ({ role: 'peer', name, run });

/** A reference line: what the machine allows a loop that does nothing else. */
export const limit = (name, run) => ({ role: 'limit', name, run });
