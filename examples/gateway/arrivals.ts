/** When the commands that wait to be taken came, in order: the queue's shadow, without the items. */
export class Arrivals {
  #times: number[] = [];
  #first = 0;

  /** A command came at this time. */
  add(time: number): void {
    this.#times.push(time);
  }

  /** The first `count` were taken. */
  remove(count: number): void {
    this.#first += count;
    if (this.#first < 4096 && this.#first < this.#times.length) return;
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }

  /** When the first came; undefined when none waits. */
  get oldest(): number | undefined {
    return this.#times[this.#first];
  }

  /** How many came no later than this. */
  countUntil(time: number): number {
    let end = this.#first;
    while (end < this.#times.length && (this.#times[end] as number) <= time) end++;
    return end - this.#first;
  }
}
