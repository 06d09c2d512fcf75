/** Why a connection is over; by the numbers native code uses. */
export const closeReasons = [
  'end',
  'reset',
  'protocol',
  'frame-too-large',
  'frame-timeout',
  'idle-timeout',
  'write-limit',
  'closed',
  'drained',
  'error',
] as const;

/**
 * Why a connection is over: the peer ended it (`end`) or reset it, sent what is not the protocol or
 * too large a frame, was too slow or idle, did not read (`write-limit`), we closed or drained it,
 * or the system failed.
 */
export type CloseReason = (typeof closeReasons)[number];
