import { type Event, type Message, MillraceError, type Producer } from 'millrace';
import { type orders, source } from './events.js';
import type { OrderLine } from './order-line.js';

type Order = Event<typeof orders.fields>;

/** A client's order that is not in the ring yet. */
interface Incoming extends OrderLine {
  readonly connection: number;
  readonly reply: number;
}

/**
 * Puts clients' orders into the ring, in the order they came; when it is full they wait here.
 * A connection has at most so many of them as it may have messages without answer.
 */
export class Intake {
  #out: Producer<Order>;
  #waiting: Incoming[] = [];
  #publishing = false;

  constructor(out: Producer<Order>) {
    this.#out = out;
  }

  accept(line: OrderLine, message: Message): void {
    const order = { ...line, connection: message.connection.id, reply: message.token };
    if (!this.#publishing && this.#out.tryPublish(write, order)) return;
    this.#waiting.push(order);
    if (!this.#publishing) void this.#publishWaiting();
  }

  async #publishWaiting(): Promise<void> {
    this.#publishing = true;
    try {
      while (this.#waiting.length > 0) {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const order of waiting) {
          if (!this.#out.tryPublish(write, order)) await this.#out.publish(write, order);
        }
      }
    } catch (error) {
      // The exchange ends before these could be taken; their connections are cut.
      if (!(error instanceof MillraceError)) throw error;
    } finally {
      this.#publishing = false;
    }
  }
}

function write(order: Order, from: Incoming): void {
  order.source = source.client;
  order.side = from.side;
  order.symbol = from.symbol;
  order.quantity = from.quantity;
  order.price = from.price;
  order.connection = from.connection;
  order.reply = from.reply;
}
