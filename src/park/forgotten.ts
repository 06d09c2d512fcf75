/**
 * Looks after objects that have to be closed: one that is collected before is given back, and the process gets one
 * warning a kind, `MILLRACE_FORGOTTEN`.
 */
export class Forgotten<Held> {
  readonly #registry: FinalizationRegistry<Held>;
  #warned = false;

  /**
   * @param message Of the warning: `'a ring was collected without close() or detach()'`.
   * @param giveBack Called with what was held for an object that was collected; it must not refer to the object.
   *   False when there is nothing to warn of.
   */
  constructor(message: string, giveBack: (held: Held) => boolean = () => true) {
    this.#registry = new FinalizationRegistry((held) => {
      if (!giveBack(held) || this.#warned) return;
      this.#warned = true;
      process.emitWarning(message, { code: 'MILLRACE_FORGOTTEN' });
    });
  }

  /** From now on it has to be closed. */
  watch(thing: WeakKey, held: Held): void {
    this.#registry.register(thing, held, thing);
  }

  /** It was closed. */
  unwatch(thing: WeakKey): void {
    this.#registry.unregister(thing);
  }
}
