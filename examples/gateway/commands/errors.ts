import { resp } from 'millrace';
import { type Answer, answer } from './command.js';

/** Replies with an error; the text begins with its code: `ERR …`. */
export function refuse(text: string): Answer {
  return answer(resp.error(text));
}

/** Redis's text for too few or too many arguments; a subcommand is written `client|setname`. */
export function wrongArity(command: string): Answer {
  return refuse(`ERR wrong number of arguments for '${command}' command`);
}

/** Redis's text for a subcommand it does not have. */
export function unknownSubcommand(command: string, subcommand: string): Answer {
  const shown = printable(subcommand.slice(0, 128));
  return refuse(`ERR unknown subcommand '${shown}'. Try ${command.toUpperCase()} HELP.`);
}

/** Redis's other frequent texts. */
export const TEXTS = {
  syntax: 'ERR syntax error',
  notAnInteger: 'ERR value is not an integer or out of range',
  invalidId: 'ERR Invalid stream ID specified as stream command argument',
} as const;

/** An error is one line: what would end it becomes a space, as Redis does it. */
export function printable(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}

/** Reads a whole number as Redis does: no sign but minus, no leading zeros, 64 bits. */
export function parseInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
