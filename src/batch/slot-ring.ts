import { GONE, type Slot, TAKEN, WAITING } from './slot.js';

/** Capacity of an empty ring, a power of two. */
const SMALLEST = 64;
/** An emptied ring larger than this gives its memory back. */
const KEPT = 4096;

/**
 * The items that wait, in order: a ring that grows. A withdrawn item leaves a hole, which costs
 * nothing until the ring is full; a ring half of whose places are holes is closed up and does not
 * grow, so that its memory follows the items that wait and not those that ever came.
 */
export class SlotRing<Item, Result> {
  #places: (Slot<Item, Result> | undefined)[] = new Array(SMALLEST).fill(undefined);
  #head = 0;
  /** Places in use, holes included. */
  #used = 0;
  /** Items that wait. */
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Appends a waiting slot. */
  add(slot: Slot<Item, Result>): void {
    if (this.#used === this.#places.length) this.#makeRoom();
    this.#places[(this.#head + this.#used) & (this.#places.length - 1)] = slot;
    this.#used += 1;
    this.#size += 1;
  }

  /** Makes a hole of a waiting slot. */
  withdraw(slot: Slot<Item, Result>): void {
    slot.place = GONE;
    this.#size -= 1;
    if (this.#size === 0) this.#reset();
  }

  /**
   * Moves the oldest `count` slots (no more than `size`) to the end of `slots`.
   *
   * @returns Their items, in order.
   */
  take(count: number, slots: Slot<Item, Result>[]): Item[] {
    const places = this.#places;
    const mask = places.length - 1;
    const items: Item[] = new Array(count);
    let head = this.#head;
    let passed = 0;
    let taken = 0;
    while (taken < count) {
      const slot = places[head] as Slot<Item, Result>;
      places[head] = undefined;
      head = (head + 1) & mask;
      passed += 1;
      if (slot.place === GONE) continue;
      slot.place = TAKEN;
      slots.push(slot);
      items[taken] = slot.item;
      taken += 1;
    }
    this.#head = head;
    this.#used -= passed;
    this.#size -= count;
    if (this.#size === 0) this.#reset();
    return items;
  }

  /** Only holes are left: forgets them, and the memory a burst needed. */
  #reset(): void {
    if (this.#places.length > KEPT) {
      this.#places = new Array(SMALLEST).fill(undefined);
    } else {
      const mask = this.#places.length - 1;
      for (let i = 0; i < this.#used; i += 1) this.#places[(this.#head + i) & mask] = undefined;
    }
    this.#head = 0;
    this.#used = 0;
  }

  /** Half holes or more: the same capacity will do; otherwise twice the capacity. */
  #makeRoom(): void {
    const old = this.#places;
    const capacity = this.#size * 2 <= old.length ? old.length : old.length * 2;
    const places: (Slot<Item, Result> | undefined)[] = new Array(capacity).fill(undefined);
    let used = 0;
    for (let i = 0; i < this.#used; i += 1) {
      const slot = old[(this.#head + i) & (old.length - 1)] as Slot<Item, Result>;
      if (slot.place === WAITING) {
        places[used] = slot;
        used += 1;
      }
    }
    this.#places = places;
    this.#head = 0;
    this.#used = used;
  }
}
