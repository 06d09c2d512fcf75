declare const made: unique symbol;

/**
 * What another thread attaches to an object with: plain data that survives `workerData` and
 * `postMessage`. `X` is the class it was made by.
 */
export interface Handle<X> {
  /** Exists in types only. */
  readonly [made]?: X;
}
