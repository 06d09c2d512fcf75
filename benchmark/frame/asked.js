/**
 * The child's end of `Child.ask`: answers each question by what its function returns, and ends when
 * the parent goes away.
 * @param {Record<string, () => unknown>} answers
 */
export function asked(answers) {
  process.on('message', async (question) => {
    process.send((await answers[question]()) ?? null);
  });
  process.once('disconnect', () => process.exit());
}
