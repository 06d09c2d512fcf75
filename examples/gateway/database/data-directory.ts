import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { StartRefused } from './database.js';
import { DirectoryLock, isLockFile } from './directory-lock.js';

/** PostgreSQL's major version inside PGlite, and so that of the files it reads and writes. */
export const POSTGRES_VERSION = '18';

/** What PostgreSQL itself writes first, and what says that a directory is complete. */
const VERSION_FILE = 'PG_VERSION';
/** Says that the directory is a gateway's: without it no file in it is touched. */
const MARKER_FILE = 'gateway.json';
const MARKER_FORMAT = 1;
/** Where a database is made, before it is moved into place; the rest of the name is new each time. */
const SCRATCH = 'initialising-';

/**
 * Takes a data directory, and makes the database in it when there is none yet.
 *
 * @returns The lock, to be released when the database is closed.
 * @throws {@link StartRefused} when the directory is in use, of another version, or not a gateway's;
 * it is untouched then.
 */
export async function takeDataDirectory(directory: string): Promise<DirectoryLock> {
  checkContents(directory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new StartRefused(`cannot make the data directory ${directory}: ${code ?? message}`, {
      cause,
    });
  }
  const lock = await DirectoryLock.take(directory);
  try {
    checkContents(directory);
    if (!existsSync(join(directory, VERSION_FILE))) await initialise(directory);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Refuses what this gateway did not make, or cannot read. Reads only. */
function checkContents(directory: string): void {
  const names = listNames(directory).filter((name) => !isLockFile(name));
  if (names.length === 0) return;
  if (!names.includes(MARKER_FILE)) {
    throw new StartRefused(
      `the data directory ${directory} is not empty, and not a gateway's: choose another one with --data`,
    );
  }
  const format = readFormat(join(directory, MARKER_FILE));
  if (format !== MARKER_FORMAT) {
    throw new StartRefused(
      `the data directory ${directory} is of version ${format}, this gateway reads version ${MARKER_FORMAT}: start the gateway that made it, or choose another directory with --data`,
    );
  }
  if (!names.includes(VERSION_FILE)) return;
  const version = readFileSync(join(directory, VERSION_FILE), 'utf8').trim();
  if (version !== POSTGRES_VERSION) {
    throw new StartRefused(
      `the data directory ${directory} is of PostgreSQL version ${version}, this gateway embeds version ${POSTGRES_VERSION}: start the gateway that made it, or choose another directory with --data`,
    );
  }
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new StartRefused(`cannot read the data directory ${directory}: ${code ?? message}`, {
      cause,
    });
  }
}

function readFormat(file: string): unknown {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown }).format;
  } catch {
    return 'unknown';
  }
}

/**
 * Makes the database beside its place and moves it in, the version file last: what is ended in the
 * middle is seen as not made, and made again.
 *
 * A process of its own does it, because it takes 800 MiB for a moment that would never be given
 * back.
 */
async function initialise(directory: string): Promise<void> {
  writeFileSync(join(directory, MARKER_FILE), `${JSON.stringify({ format: MARKER_FORMAT })}\n`);
  for (const name of readdirSync(directory)) {
    if (name !== MARKER_FILE && !isLockFile(name))
      rmSync(join(directory, name), { recursive: true, force: true, maxRetries: 5 });
  }
  // A name of its own: if this process is killed, the one that makes the database may go on a while.
  const scratch = join(directory, SCRATCH + randomUUID());
  const child = fork(new URL('./initialise.js', import.meta.url), [scratch], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  process.off('exit', end);
  if (code !== 0) {
    throw new StartRefused(
      `cannot initialise the database in ${directory} (${signal ?? `exit code ${code}`}): ${complaint.trim()}`,
    );
  }
  const names = readdirSync(scratch).filter((name) => name !== VERSION_FILE);
  for (const name of [...names, VERSION_FILE])
    renameSync(join(scratch, name), join(directory, name));
  rmSync(scratch, { recursive: true });
}
