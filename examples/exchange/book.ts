import { side } from './events.js';

/** An order in a book. */
export interface BookOrder {
  readonly number: number;
  readonly side: number;
  readonly price: number;
  readonly fromMaker: boolean;
  /** What is not traded yet. */
  quantity: number;
}

/** Two orders met: the one that came, and the one that rested and made the price. */
export interface Trade {
  readonly taker: number;
  readonly rested: number;
  readonly quantity: number;
  readonly price: number;
}

/** Orders that may rest on a side; one that finds no room is cancelled. */
const mostResting = 1_000;

/** The resting orders of one instrument: best price first, at one price the earliest first. */
export class Book {
  #sides: [BookOrder[], BookOrder[]] = [[], []];

  /** Trades an order with what rests, and lets the remainder rest. `order.quantity` is what rests. */
  place(order: BookOrder): Trade[] {
    // The maker's quote begins with its price to buy, and replaces the quote before.
    if (order.fromMaker && order.side === side.buy) this.#withdrawMaker();
    const trades = this.#trade(order);
    if (order.quantity > 0) this.#rest(order);
    return trades;
  }

  #trade(order: BookOrder): Trade[] {
    const others = this.#sides[order.side === side.buy ? side.sell : side.buy];
    const trades: Trade[] = [];
    for (let best = others[0]; best !== undefined && order.quantity > 0; best = others[0]) {
      if (!accepts(order, best.price)) break;
      const quantity = Math.min(order.quantity, best.quantity);
      trades.push({ taker: order.number, rested: best.number, quantity, price: best.price });
      order.quantity -= quantity;
      best.quantity -= quantity;
      if (best.quantity === 0) others.shift();
    }
    return trades;
  }

  #rest(order: BookOrder): void {
    const own = this.#sides[order.side as 0 | 1];
    if (own.length >= mostResting && !order.fromMaker) {
      order.quantity = 0;
      return;
    }
    const worse = own.findIndex((other) => !accepts(other, order.price));
    own.splice(worse < 0 ? own.length : worse, 0, order);
  }

  #withdrawMaker(): void {
    for (const resting of this.#sides) {
      const at = resting.findIndex((order) => order.fromMaker);
      if (at >= 0) resting.splice(at, 1);
    }
  }
}

/** Whether an order would trade at a price. */
const accepts = (order: BookOrder, price: number): boolean =>
  order.side === side.buy ? price <= order.price : price >= order.price;
