import { formatPrice } from '../../examples/exchange/price.js';

const symbols = [
  ['ACME', 10_000],
  ['BOLT', 2_500],
  ['CORE', 78_050],
  ['NONE', 5_000],
] as const;

/** Orders around the prices of the day: most are good, some are refused, some are no orders at all. */
export function* orderLines(count: number, random: () => number): Generator<string, undefined> {
  for (let i = 0; i < count; i++) {
    const [symbol, reference] = symbols[Math.floor(random() ** 2 * symbols.length)] ?? symbols[0];
    const price = formatPrice(Math.round(reference * (0.98 + random() * 0.04)));
    const far = random() < 0.02 ? formatPrice(reference * 2) : price;
    const line = `${random() < 0.5 ? 'BUY' : 'SELL'} ${symbol} ${Math.ceil(random() * 500)} ${far}`;
    yield random() < 0.02 ? `HOLD ${symbol}` : line;
  }
}
