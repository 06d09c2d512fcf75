import { parseArgs } from 'node:util';

/**
 * Reads `SUITE… [--quick] [--long] [--pin] [--json FILE] [--plot FILE]`.
 * @param {readonly string[]} argv
 * @param {readonly string[]} known names of the suites there are
 * @returns {{ suites: string[], level: 'quick' | 'normal' | 'long', pin: boolean, json: string | null,
 *   plot: string | null }}
 */
export function commandLine(argv, known) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      pin: { type: 'boolean', default: false },
      json: { type: 'string' },
      plot: { type: 'string' },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (positionals.length === 0 || unknown.length > 0) {
    const what = unknown.length > 0 ? `No suite is called ${unknown.join(', ')}. ` : '';
    throw new TypeError(`${what}Name one or more of: ${known.join(', ')}`);
  }
  if (values.quick && values.long) {
    throw new TypeError('--quick and --long exclude each other');
  }
  return {
    suites: [...new Set(positionals)],
    level: values.quick ? 'quick' : values.long ? 'long' : 'normal',
    pin: values.pin,
    json: values.json ?? null,
    plot: values.plot ?? null,
  };
}
