import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Who does a role of a round. */
export interface Hand {
  readonly name: string;
  /** Ends it in the middle of whatever it does, as nobody else is told. */
  end(): Promise<unknown>;
  /** Resolves when it has ended, with whether it was through. */
  readonly exit: Promise<boolean>;
  /** Notes what is known only when all is over. */
  settle(): void;
}

/** What a hand is told to do, beside its role: whom it tells of problems. */
type Tell = (problem: string) => void;

/** A worker thread; ended by `terminate()`. */
export function worker(
  program: 'producer' | 'consumer' | 'native',
  workerData: object,
  name: string,
  tell: Tell,
): Hand {
  const url = new URL(`./${program}-program.js`, import.meta.url);
  const thread = new Worker(url, { workerData });
  let through = false;
  thread.on('message', (message: 'over' | { problem: string }) => {
    if (message === 'over') through = true;
    else tell(message.problem);
  });
  thread.on('error', (error) => {
    through = true;
    tell(`${name}: ${error.stack}`);
  });
  return {
    name,
    end: () => thread.terminate(),
    exit: once(thread, 'exit').then(() => through),
    settle: () => {},
  };
}

/** A role of this thread, with a hold of the ring for itself; ended by letting go of that. */
export interface Role {
  run(): Promise<void>;
  leave(): void;
  settle(): void;
  readonly gone: boolean;
}

export function here(role: Role, name: string, tell: Tell): Hand {
  const exit = role.run().then(
    () => !role.gone,
    (error) => {
      tell(`${name}: ${error.stack}`);
      return true;
    },
  );
  return {
    name: `${name} on the main thread`,
    end: async () => role.leave(),
    exit,
    settle: () => role.settle(),
  };
}
