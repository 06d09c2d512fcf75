/** Events the bare ring holds. */
export const SLOTS = 65_536;
/** Word of the published sequence. */
export const CURSOR = 0;
/** Word of the consumed sequence, 128 bytes on: cores take memory in pairs of 64-byte lines. */
export const GATE = 32;
/** Words in front of the slots. */
export const HEADER = 64;
