import { holdLoop, releaseLoop } from './environment.js';

/** What one object has this thread's event loop held for: any number of things, or none while it is not referenced. */
export class LoopHold {
  #count = 0;
  #referenced = true;
  #holds = false;

  /** Holds the event loop until {@link release} is called as often. */
  hold(): void {
    this.#count += 1;
    this.#update();
  }

  /** Takes one {@link hold} back. */
  release(): void {
    this.#count -= 1;
    this.#update();
  }

  /** Whether what is held counts. */
  reference(value: boolean): void {
    this.#referenced = value;
    this.#update();
  }

  #update(): void {
    const holds = this.#referenced && this.#count > 0;
    if (holds === this.#holds) return;
    this.#holds = holds;
    if (holds) holdLoop();
    else releaseLoop();
  }
}
