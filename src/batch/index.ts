export type { Batch } from './batch.js';
export { BatchQueue } from './batch-queue.js';
export type { BatchQueueStatistics, BatchRejections, BatchSizes } from './batch-statistics.js';
export type { CloseReport } from './close-report.js';
export type { BatchHandler, BatchQueueOptions } from './options.js';
