import { side } from './events.js';
import { parsePrice } from './price.js';

/** What a client asks for. */
export interface OrderLine {
  readonly side: number;
  readonly symbol: string;
  readonly quantity: number;
  readonly price: number;
}

export const grammar = 'BUY|SELL symbol quantity price';

/** The order a line is; undefined when it is none. */
export function parseOrder(line: string): OrderLine | undefined {
  const [verb = '', symbol = '', amount = '', at = '', ...more] = line.trim().split(/ +/);
  const price = parsePrice(at);
  const known = verb === 'BUY' || verb === 'SELL';
  if (!known || !/^[A-Z]{1,8}$/.test(symbol) || !/^\d{1,9}$/.test(amount)) return undefined;
  if (price === undefined || more.length > 0) return undefined;
  return {
    side: verb === 'BUY' ? side.buy : side.sell,
    symbol,
    quantity: Number(amount),
    price,
  };
}
