import { Ring } from 'millrace';

/** An event that says when it was sent. */
export const times = Ring.define({ fields: { sent: 'f64' }, stages: { read: {} } });
