import { DirectoryLock } from '../../examples/gateway/database/directory-lock.js';

/** Takes a directory's lock, says how it went, and lives until it is killed. */
const outcome = await DirectoryLock.take(process.argv[2] as string).then(
  () => 'held',
  (error: Error) => error.message,
);
process.send?.(outcome);
setInterval(() => {}, 1 << 30);
