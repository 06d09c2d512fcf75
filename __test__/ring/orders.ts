import { Ring } from 'millrace';

/** A diamond, with a sink of its own beside it. */
export const orders = Ring.define({
  fields: { id: 'u32', price: 'f64', level: 'u32' },
  stages: {
    parse: { writes: ['price'] },
    audit: { writes: ['level'] },
    store: { after: ['parse', 'audit'] },
    notify: { after: ['store'] },
    trace: {},
  },
});

/** An event, whoever owns its fields. */
export interface Order {
  id: number;
  price: number;
  level: number;
}
