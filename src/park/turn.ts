/**
 * Milliseconds for which a thread is kept at what is ready before its event loop has a turn: timers and sockets must
 * not wait for a stream that never ends.
 */
export const TURN = 5;
