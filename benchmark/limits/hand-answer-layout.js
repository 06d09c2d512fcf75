/** Word of the event on its way there. */
export const QUESTION = 0;
/** Word of the event on its way back, 128 bytes on: cores take memory in pairs of 64-byte lines. */
export const ANSWER = 32;
export const WORDS = 64;
/** In place of an event: the last one is back. */
export const ENDED = -1;
