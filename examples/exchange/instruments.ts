/** What is traded, and yesterday's price in hundredths. */
export const instruments: ReadonlyMap<string, number> = new Map([
  ['ACME', 10_000],
  ['BOLT', 2_500],
  ['CORE', 78_050],
]);
