import { Book, type Trade } from './book.js';
import { source } from './events.js';
import { formatPrice } from './price.js';
import { refusals } from './risk.js';

/** What matching reads of an order. */
export interface MatchedOrder {
  readonly source: number;
  readonly side: number;
  readonly refusal: number;
  readonly symbol: string;
  readonly quantity: number;
  readonly price: number;
  readonly reply: number;
  readonly number: number;
}

/** What has to be written before an order is answered. */
export interface Settled {
  /** A line a trade. */
  readonly trades: string;
  /** Undefined for the market maker, whom nobody answers. */
  readonly answer: { readonly token: number; readonly text: string } | undefined;
}

/** The books of all instruments. The same orders in the same order give the same trades. */
export class Matching {
  #books = new Map<string, Book>();
  orders = 0;
  trades = 0;

  /** Places an order; undefined when there is nothing to write and nobody to answer. */
  match(order: MatchedOrder): Settled | undefined {
    this.orders += 1;
    if (order.refusal !== 0) return settled('', order, `REJECTED ${refusals[order.refusal]}`);
    const { number, side, price, quantity } = order;
    const fromMaker = order.source === source.maker;
    const placed = { number, side, price, quantity, fromMaker };
    const trades = this.#book(order.symbol).place(placed);
    this.trades += trades.length;
    const traded = trades.reduce((sum, trade) => sum + trade.quantity, 0);
    const lines = trades.map((trade) => line(order.symbol, trade)).join('');
    return settled(lines, order, `ACCEPTED traded ${traded} resting ${placed.quantity}`);
  }

  #book(symbol: string): Book {
    let book = this.#books.get(symbol);
    if (book === undefined) {
      book = new Book();
      this.#books.set(symbol, book);
    }
    return book;
  }
}

function settled(trades: string, order: MatchedOrder, text: string): Settled | undefined {
  if (order.source === source.client) {
    return { trades, answer: { token: order.reply, text: `${order.number} ${text}` } };
  }
  return trades === '' ? undefined : { trades, answer: undefined };
}

const line = (symbol: string, { taker, rested, quantity, price }: Trade): string =>
  `${taker} ${rested} ${symbol} ${quantity} ${formatPrice(price)}\n`;
