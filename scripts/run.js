import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { root } from './root.js';

/** A command that did not end with 0; the scripts pass its exit code on. */
export class CommandFailed extends Error {
  /** @param {string} command @param {number | null} code @param {string | null} signal */
  constructor(command, code, signal) {
    super(`${command} ${signal ? `was ended by ${signal}` : `failed with exit code ${code}`}`);
    this.code = code ?? 1;
  }
}

/**
 * Runs a command with its output shown.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] the root unless given
 * @param {Record<string, string>} [options.env] added to this process's
 * @param {(text: string) => void} [options.onOutput] sees what is written to stdout as well
 */
export function run(command, args, { cwd = root, env = {}, onOutput } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', onOutput ? 'pipe' : 'inherit', 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      onOutput(text);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new CommandFailed(nameOf(command, args), code, signal));
    });
  });
}

const nameOf = (command, args) =>
  command === process.execPath ? basename(args.find((arg) => !arg.startsWith('--'))) : command;

/** Runs a JavaScript program with this Node. @type {typeof run} */
export const runNode = (file, args, options) => run(process.execPath, [file, ...args], options);

/** Runs a script's main function; failures are one line, unless they are faults of the script. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    const expected = error instanceof CommandFailed || error?.expected;
    console.error(expected ? `millrace: ${error.message}` : error);
    process.exitCode = error?.code > 0 ? error.code : 1;
  }
}

/** A failure that needs an explanation but no stack. @param {string} message */
export const failure = (message) => Object.assign(new Error(message), { expected: true });
