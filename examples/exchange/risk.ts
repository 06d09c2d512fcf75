import { instruments } from './instruments.js';

const mostQuantity = 10_000;
const mostWorth = 5_000_000_00;
/** How far from yesterday's price an order may be. */
const collar = 0.2;

/** Why an order is refused, by the number in the ring; 0 is not refused. */
export const refusals = ['', 'symbol', 'quantity', 'price', 'worth'] as const;

/**
 * Looks at nothing but the order: whoever takes this stage over comes to the same verdict on an
 * order that was looked at before.
 */
export function refusal(order: { symbol: string; quantity: number; price: number }): number {
  const reference = instruments.get(order.symbol);
  if (reference === undefined) return refusals.indexOf('symbol');
  if (order.quantity < 1 || order.quantity > mostQuantity) return refusals.indexOf('quantity');
  if (Math.abs(order.price - reference) > reference * collar) return refusals.indexOf('price');
  if (order.quantity * order.price > mostWorth) return refusals.indexOf('worth');
  return 0;
}
