import { Ring } from 'millrace';

/** The event of 8 bytes that every side of the suite moves. */
export const events = Ring.define({
  fields: { id: 'i32', qty: 'i32' },
  stages: { sum: {} },
});
