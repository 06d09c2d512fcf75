/** What came of the load; times in milliseconds. */
export interface LoadResult {
  readonly events: number;
  readonly answered: number;
  readonly errors: number;
  /** Answered ids that were not found again. */
  readonly missing: number;
  readonly elapsed: number;
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/** What the load's process tells. */
export type LoadMessage =
  | { readonly kind: 'progress'; readonly elapsed: number; readonly events: number }
  /** All is written and answered; the reading begins. */
  | { readonly kind: 'written' }
  | { readonly kind: 'result'; readonly result: LoadResult };
