import type { Arguments } from '../arguments.js';
import type { Answer } from './command.js';
import { printable, refuse } from './errors.js';

/** Redis shows so much of the name, and so much of the arguments together. */
const SHOWN = 128;

/** Redis 7's text for a command that does not exist. */
export function unknownCommand(args: Arguments): Answer {
  let shown = '';
  for (let i = 1; i < args.length && shown.length < SHOWN; i++) {
    shown += `'${text(args, i, SHOWN - shown.length)}' `;
  }
  const name = text(args, 0, SHOWN);
  return refuse(printable(`ERR unknown command '${name}', with args beginning with: ${shown}`));
}

/** Text that a C program would print: it ends at the first zero byte. */
function text(args: Arguments, i: number, limit: number): string {
  return args.bytes(i).toString('utf8', 0, limit).split('\0', 1)[0] as string;
}
