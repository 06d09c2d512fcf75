/** Tells how a seed of a test of this folder is run again. */
export const again = (seed: number, file: string): string =>
  `again: MILLRACE_STRESS_SEED=${seed} npm test -- __test__/stress/${file}`;
