import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A client that pipelines: at most `window` lines are without answer. */
export class Trader {
  readonly sent: string[] = [];
  readonly answers: string[] = [];
  readonly closed: Promise<unknown>;
  #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    // A connection that is cut is seen in the answers that are missing.
    socket.on('error', () => {});
  }

  static async connect(port: number): Promise<Trader> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Trader(socket);
  }

  /** Sends lines until there are none, then its end; resolves when the exchange has closed the connection. */
  async trade(lines: Iterator<string>, window: number): Promise<this> {
    const fill = () => {
      let text = '';
      while (this.sent.length - this.answers.length < window) {
        const { value, done } = lines.next();
        if (done) {
          this.#socket.end(text);
          return;
        }
        this.sent.push(value);
        text += `${value}\n`;
      }
      this.#socket.write(text);
    };
    createInterface({ input: this.#socket }).on('line', (answer) => {
      this.answers.push(answer);
      if (!this.#socket.writableEnded) fill();
    });
    fill();
    await this.closed;
    return this;
  }
}
