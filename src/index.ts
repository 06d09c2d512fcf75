export * from './batch/index.js';
export { type ErrorCode, errorCodes, MillraceError } from './errors.js';
export * from './fiber/index.js';
export type { Operation, Source, WaitOptions } from './operation.js';
export * from './reactor/index.js';
export * from './ring/index.js';
