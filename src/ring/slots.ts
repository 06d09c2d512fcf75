/** @internal Where a producer writes what it accepts: slots, which are events or places of a byte ring. */
export interface Slots {
  /** Slots accepted and not published. */
  readonly staged: number;

  /** Publishes what is staged, as far as there is room. */
  flush(): void;

  /**
   * Claims `n` slots behind all that was flushed, and gives the first one's sequence; undefined when there is no room.
   * Those of a record lie behind one another: before them the claim may have padding.
   */
  claim(n: number): number | undefined;

  /** Publishes the first `used` of the claimed slots. */
  endClaim(start: number, n: number, used: number): void;

  /** The seat is somebody else's from now on. */
  leave(): void;
}
