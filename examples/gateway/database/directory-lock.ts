import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartRefused } from './database.js';

/**
 * Keeps a directory for one process, without leaving anything behind that outlives it.
 *
 * A process that wants the directory listens on a Unix socket of its own in it. Whether another one
 * lives is asked of the kernel: it accepts a connection as long as a process holds the socket, also
 * a stopped one, and refuses it from the moment that process is dead, however it died. A file with
 * a process id could not say that: ids are used again, and mean nothing in another container.
 *
 * The order makes it safe. A socket is bound under a name nobody looks at, listens, and only then
 * gets its public name; then its owner looks at all others. Of two who come at once at least one
 * sees the other: it draws back and, as the other may be no further, tries again a little later.
 * Names are never used twice, so a dead one can be removed by anybody.
 */
const PUBLIC_NAME = /^gateway-[0-9a-f-]{36}\.sock$/;
const HIDDEN_NAME = /^\.gateway-[0-9a-f-]{36}\.sock$/;

const ATTEMPTS = 8;
const LONGEST_PAUSE = 80;
/** The owner says so when asked; a candidate says nothing else. */
const OWNER = 'owner';
const ANSWER_TIMEOUT = 1000;

/** Whether a name in a data directory belongs to its lock. */
export function isLockFile(name: string): boolean {
  return PUBLIC_NAME.test(name) || HIDDEN_NAME.test(name);
}

/** A directory that this process alone uses, until it lets go or dies. */
export class DirectoryLock {
  readonly #release: () => void;

  private constructor(release: () => void) {
    this.#release = release;
  }

  /**
   * Takes the directory.
   *
   * @throws {@link StartRefused} when another gateway has it; nothing in it was changed then.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const descriptor = openSync(directory, 'r');
    const place = shortPath(directory, descriptor);
    try {
      for (let attempt = 0; ; attempt++) {
        const others = await findLiving(directory, place);
        if (others.includes(OWNER) || attempt === ATTEMPTS) throw inUse(directory);
        if (others.length === 0) {
          const lock = await DirectoryLock.#publish(directory, place, descriptor);
          if (lock !== undefined) return lock;
        }
        await sleep(Math.random() * LONGEST_PAUSE);
      }
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Shows a socket and looks who else does; undefined when somebody does. */
  static async #publish(
    directory: string,
    place: string,
    descriptor: number,
  ): Promise<DirectoryLock | undefined> {
    const name = `gateway-${randomUUID()}.sock`;
    const hidden = join(place, `.${name}`);
    const visible = join(directory, name);
    let state = 'candidate';
    const server = createServer((socket) => socket.on('error', () => {}).end(state));
    server.listen(hidden);
    await once(server, 'listening');
    renameSync(join(directory, `.${name}`), visible);
    server.unref();
    const withdraw = (): void => {
      rmSync(visible, { force: true });
      server.close();
    };
    const others = await findLiving(directory, place, name);
    if (others.length > 0) {
      withdraw();
      return undefined;
    }
    state = OWNER;
    return new DirectoryLock(() => {
      withdraw();
      closeSync(descriptor);
    });
  }

  /** Lets go of the directory. */
  release(): void {
    this.#release();
  }
}

/** What the living others say of themselves; the dead are removed. */
async function findLiving(directory: string, place: string, own?: string): Promise<string[]> {
  const living: string[] = [];
  for (const name of readdirSync(directory)) {
    if (!PUBLIC_NAME.test(name) || name === own) continue;
    const state = await ask(join(place, name));
    if (state === undefined) rmSync(join(directory, name), { force: true });
    else living.push(state);
  }
  return living;
}

/** What the process behind a socket says; undefined when it is dead. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    let connected = false;
    const socket = connect(path);
    // A process that lives and says nothing is stopped or busy: only an owner can be either for long.
    const timer = setTimeout(() => finish(OWNER), ANSWER_TIMEOUT);
    const finish = (state: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(state);
    };
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
    });
    socket.on('end', () => finish(said));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      // It died while it was asked, or it is gone; any other error proves nothing.
      const dead = connected || code === 'ECONNREFUSED' || code === 'ENOENT';
      finish(dead ? undefined : OWNER);
    });
  });
}

/** The path of a Unix socket has room for about 100 bytes; through the descriptor it is short. */
function shortPath(directory: string, descriptor: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : directory;
}

function inUse(directory: string): StartRefused {
  return new StartRefused(
    `the data directory ${directory} is in use by another gateway: stop that one, or choose another directory with --data`,
  );
}
