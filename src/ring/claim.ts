import { invalidArgument } from '../errors.js';
import { OpenClaim } from './open-claim.js';
import type { SlotView } from './slot-view.js';
import { checked, type ViewClass } from './view.js';

const CHECKED = checked;

/**
 * Slots that a producer has claimed and not published yet: fill them by index, in any order, then {@link commit}.
 * Disposed of without that, the claim is aborted: no consumer sees its slots, and nobody waits for them.
 *
 * Until it ends, its producer publishes nothing else, and what other producers of the ring publish meanwhile is not
 * seen: it should end soon. One whose thread ends is given up for it.
 *
 * @example
 * const pairs = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
 * const ring = Ring.create({ ...pairs, capacity: 1024 });
 * const out = ring.producer();
 * using claim = out.tryClaim(2) ?? (await out.claim(2));
 * claim.at(0).n = 7;
 * claim.at(1).n = 8;
 * claim.commit();
 * ring.detach();
 */
export class Claim<E extends object> extends OpenClaim {
  /** @internal */
  override readonly unit = 'events';
  readonly #view: ViewClass<SlotView>;
  readonly #start: number;
  #event: SlotView;

  /**
   * @internal
   * @param end Publishes so many of the slots and gives the others up.
   */
  constructor(
    view: ViewClass<SlotView>,
    start: number,
    length: number,
    end: (used: number) => void,
  ) {
    super(length, (used = 0) => end(used));
    this.#view = view;
    this.#event = new view();
    this.#start = start;
  }

  /**
   * The event at `index`, to be filled: one view that is reused, valid until the next call. Every field has to be set:
   * a slot still has what was in it a lap ago.
   *
   * @param index From 0 to `length - 1`.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_STALE` when the claim has ended.
   */
  at(index: number): E {
    this.checkOpen();
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw invalidArgument('index', index, `a whole number from 0 to ${this.length - 1}`);
    }
    if (CHECKED) {
      this.#event.$at = -1;
      this.#event = new this.#view();
    }
    this.#event.$to((this.#start + index) | 0);
    return this.#event as unknown as E;
  }

  /** @internal */
  override expire(): void {
    super.expire();
    if (CHECKED) this.#event.$at = -1;
  }
}
