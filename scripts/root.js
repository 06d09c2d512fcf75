import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. Every script works from there, wherever it was called. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {...string} parts a path below the root */
export const at = (...parts) => join(root, ...parts);
