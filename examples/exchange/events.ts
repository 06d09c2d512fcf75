import { Ring } from 'millrace';

export const side = { buy: 0, sell: 1 } as const;
export const source = { client: 0, maker: 1 } as const;

/**
 * What is in the ring: orders, and what the stages find out about them.
 *
 *     intake ──┐             ┌─► risk ────┐
 *              ├─► (orders) ─┤            ├─► match
 *     maker ───┘             └─► journal ─┘
 *
 * `risk` and `journal` work at the same time, so each owns fields of its own; `match` sees both.
 */
export const orders = Ring.define({
  fields: {
    source: 'u8',
    side: 'u8',
    /** Risk's verdict: 0, or the number of a reason. */
    refusal: 'u8',
    symbol: 'utf8(8)',
    quantity: 'u32',
    /** In hundredths. */
    price: 'u32',
    /** Whom the order is from, and with which token it is answered; clients only. */
    connection: 'u32',
    reply: 'u32',
    /** The journal's number, by which everyone calls the order afterwards. */
    number: 'f64',
  },
  stages: {
    risk: { writes: ['refusal'] },
    journal: { writes: ['number'] },
    match: { after: ['risk', 'journal'] },
  },
});
