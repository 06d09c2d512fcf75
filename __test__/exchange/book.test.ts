import { expect, test } from '@jest/globals';
import { Book } from '../../examples/exchange/book.js';
import { side } from '../../examples/exchange/events.js';

const order = (number: number, of: number, quantity: number, price: number, fromMaker = false) => ({
  number,
  side: of,
  quantity,
  price,
  fromMaker,
});

test('the best price trades first, and at one price the earliest order', () => {
  const book = new Book();
  book.place(order(0, side.sell, 5, 102));
  book.place(order(1, side.sell, 5, 101));
  book.place(order(2, side.sell, 5, 101));
  expect(book.place(order(3, side.buy, 12, 102))).toEqual([
    { taker: 3, rested: 1, quantity: 5, price: 101 },
    { taker: 3, rested: 2, quantity: 5, price: 101 },
    { taker: 3, rested: 0, quantity: 2, price: 102 },
  ]);
});

test('what does not trade rests, and prices that do not meet do not trade', () => {
  const book = new Book();
  const buy = order(0, side.buy, 5, 100);
  expect(book.place(buy)).toEqual([]);
  expect(buy.quantity).toBe(5);
  expect(book.place(order(1, side.sell, 5, 101))).toEqual([]);
  expect(book.place(order(2, side.sell, 7, 100))).toEqual([
    { taker: 2, rested: 0, quantity: 5, price: 100 },
  ]);
  expect(book.place(order(3, side.buy, 2, 100))).toEqual([
    { taker: 3, rested: 2, quantity: 2, price: 100 },
  ]);
});

test('a quote of the market maker replaces the one before', () => {
  const book = new Book();
  book.place(order(0, side.buy, 9, 99, true));
  book.place(order(1, side.sell, 9, 101, true));
  book.place(order(2, side.buy, 9, 103, true));
  book.place(order(3, side.sell, 9, 105, true));
  expect(book.place(order(4, side.buy, 20, 110))).toEqual([
    { taker: 4, rested: 3, quantity: 9, price: 105 },
  ]);
});
