import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that sends and sees bytes as they are. */
export class Client {
  readonly socket: Socket;
  /** What came so far, a character a byte. */
  received = '';
  /** Resolves with how it ended: `'end'`, or the code of the error. */
  readonly closed: Promise<string>;
  #over = false;
  #heard: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    let how = 'end';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      how = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#over = true;
        this.#wake();
        resolve(how);
      });
    });
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      this.#wake();
    });
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Resolves when so many bytes have come; fails when the connection ends before. */
  async length(bytes: number): Promise<void> {
    while (this.received.length < bytes) {
      if (this.#over) throw new Error(`ended after ${JSON.stringify(this.received.slice(-200))}`);
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Resolves with what came, once it is at least as long as `text`. */
  async until(text: string): Promise<string> {
    await this.length(text.length);
    return this.received;
  }

  #wake(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const resolve of heard) resolve();
  }
}
