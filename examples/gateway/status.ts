/** Where a gateway is in its life. */
export type Phase = 'starting' | 'serving' | 'database-away' | 'draining';

/** What is shown on the status page, and what `/healthz` goes by. */
export interface Status {
  readonly phase: Phase;
  readonly database: string;
  readonly redisPort: number;
  readonly startedAt: number;
  readonly connections: number;
  readonly commands: number;
}
