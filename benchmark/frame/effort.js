/**
 * How much a run may cost.
 * @typedef {object} Effort
 * @property {number} rounds times each side is run
 * @property {number} seconds length of one measuring window
 * @property {boolean} pin servers on the first core, loads on the second
 */

/** The levels a command can ask for; every suite says what each means to it. */
export const LEVELS = /** @type {const} */ (['quick', 'normal', 'long']);
