import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Encodes a command as clients do. */
export function encode(...args: readonly (string | Buffer)[]): Buffer {
  const parts = args.flatMap((arg) => {
    const bytes = Buffer.from(arg as string);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts]);
}

/** A connection that sends and sees bytes as they are. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;
  #heard: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        resolve();
        this.#wake();
      });
    });
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves when this has been received from the beginning on; fails when the connection ends before. */
  async expect(text: string): Promise<void> {
    while (this.received.length < text.length) {
      if (this.socket.destroyed) break;
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
    if (!this.received.startsWith(text)) {
      throw new Error(
        `expected ${JSON.stringify(text)}, received ${JSON.stringify(this.received)}`,
      );
    }
    this.received = this.received.slice(text.length);
  }

  /** Resolves when something else has come; fails when the connection has ended. */
  async more(): Promise<void> {
    if (this.socket.destroyed) throw new Error('the connection has ended');
    await new Promise<void>((resolve) => this.#heard.push(resolve));
  }

  #wake(): void {
    for (const resume of this.#heard.splice(0)) resume();
  }
}
