import { Buffer } from 'node:buffer';
import { checkOf, payloadOf, RECORD_HEAD } from './event.js';
import type { Places } from './places.js';
import type { Plan } from './plan.js';

/** Bytes of a place. */
const GRANULE = 32;

/** How many places a record takes. */
export function granulesOf({ payload }: Plan, life: number, n: number): number {
  const bytes = Buffer.byteLength(payloadOf(checkOf(life, n), payload));
  return Math.ceil((RECORD_HEAD + bytes) / GRANULE);
}

/** Where a record of so many places lies that comes behind `end`: all of it before the end of the ring's memory. */
export function placeOf({ first, options }: Plan, end: number, granules: number): number {
  const places = options.capacity / GRANULE;
  const left = places - ((first + end) % places);
  return granules > left ? end + left : end;
}

/** Records that do not lie behind one another, or behind what fills the end of the ring. */
export function* gapsIn(plan: Plan, places: Places): Generator<string> {
  let end = 0;
  for (const [sequence, event] of places) {
    const [by = 0, n = 0] = event.split('/').map(Number);
    const granules = granulesOf(plan, by, n);
    const place = placeOf(plan, end, granules);
    if (sequence !== place) yield `${event} lies at ${sequence}, not at ${place}`;
    end = sequence + granules;
  }
}
