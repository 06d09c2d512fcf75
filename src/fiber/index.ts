export { type HashOptions, type NativeStage, native } from './native.js';
export { Scheduler, type SchedulerOptions, type SchedulerStatistics } from './scheduler.js';
