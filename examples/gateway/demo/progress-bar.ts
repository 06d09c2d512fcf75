const WIDTH = 32;

/** A bar on a terminal; elsewhere a line when a quarter is done. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  #quarters = 0;

  constructor(stream: NodeJS.WriteStream, total: number) {
    this.#stream = stream;
    this.#total = total;
  }

  /** Shows how far it is, and a text beside. */
  show(done: number, text: string): void {
    const share = Math.min(1, done / this.#total);
    if (this.#stream.isTTY) {
      const full = Math.round(share * WIDTH);
      const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
      this.#stream.write(
        `\r${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${text}\x1b[K`,
      );
      return;
    }
    const quarters = Math.floor(share * 4);
    if (quarters <= this.#quarters) return;
    this.#quarters = quarters;
    this.#stream.write(`${quarters * 25} %  ${text}\n`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}
