import type * as addon from './addon.js';
import { loadNative } from './load.js';

export type * from './addon.js';

/** The addon, typed by the declarations that its build writes. Private: the facades convert. */
export const binding = loadNative() as typeof addon;
