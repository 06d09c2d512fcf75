/** One line on standard error: when, and what. */
export function log(text: string): void {
  const line = text.replace(/[\r\n]+/g, ' ');
  process.stderr.write(`${new Date().toISOString()} gateway: ${line}\n`);
}
