/** What a queue had not done when it closed. Both are empty when it could finish. */
export interface CloseReport<Item> {
  /** Items that no handler took: they did not run, and were rejected with `ERR_MILLRACE_CLOSED`. */
  notRun: Item[];
  /**
   * Items whose handler still runs: how they end is not known yet. Their promises still settle when
   * it does.
   */
  unfinished: Item[];
}
