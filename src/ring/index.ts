export { ByteConsumer } from './byte-consumer.js';
export { ByteProducer, type WriteHeader } from './byte-producer.js';
export { ByteRing, type ByteRingOptions, type StageRecord } from './byte-ring.js';
export type { Claim } from './claim.js';
export { Consumer } from './consumer.js';
export type { EventBatch } from './event-batch.js';
export type { IntoOptions } from './feed-queue.js';
export type { Fields, FieldType, FieldValue, NumberType } from './fields.js';
export type { StageOptions, Stages } from './graph.js';
export type { Handle } from './handle.js';
export type { JoinOptions } from './join.js';
export type { Wait } from './layout.js';
export { Producer, type Write, type WriteMany } from './producer.js';
export type { RecordBatch } from './record-batch.js';
export { type Event, Ring, type RingDefinition, type StageEvent } from './ring.js';
export type { RunOptions } from './run.js';
export type { RingClosed, RingOptions, RingStatistics } from './shared-ring.js';
export { SharedRing } from './shared-ring.js';
export type {
  ConsumerOptions,
  StageBatch,
} from './stage-consumer.js';
export { StageConsumer } from './stage-consumer.js';
export type { StageStatistics } from './stage-statistics.js';
