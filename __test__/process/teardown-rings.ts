import { createHash } from 'node:crypto';
import { native, Ring } from 'millrace';

/** Workers alive at a time; each has a place, and with it a stage in every ring of many stages. */
export const places = 6;

/** The stage of each place: nobody follows anybody, all see everything. */
const stages = Object.fromEntries(
  Array.from({ length: places }, (_, place) => [stageOf(place), {}]),
);

export function stageOf(place: number): string {
  return `place${place}`;
}

const fields = { sender: 'u32', number: 'u32', check: 'u32' } as const;

/** A native thread works on every event first: it writes into it, and rings whoever waits behind. */
const hashed = { ...fields, text: 'utf8(30)', digest: 'bytes(32)' } as const;
const behind = Object.fromEntries(Object.keys(stages).map((name) => [name, { after: ['hash'] }]));
export const hash = native.hash('sha256', { from: 'text', to: 'digest' });

/** From the main thread, through a native stage, to every worker. */
export const jobs = Ring.define({
  fields: hashed,
  stages: { hash: { writes: ['digest'] }, ...behind },
});
/** From every worker to every worker. */
export const gossip = Ring.define({ fields, stages });
/** From every worker to the main thread. */
export const results = Ring.define({ fields, stages: { main: {} } });
/** Inside one worker, through a native stage of its own. */
export const own = Ring.define({
  fields: hashed,
  stages: { hash: { writes: ['digest'] }, here: { after: ['hash'] } },
});

/** Long records inside one worker: hashing one takes so long that an end often comes in the middle of it. */
export const long = {
  capacity: 1 << 18,
  header: { number: 'u32', digest: 'bytes(32)' },
  stages: { hash: { writes: ['digest'] }, here: { after: ['hash'] } },
} as const;
export const longHash = native.hash('sha256', { to: 'digest' });
const longBytes = 32 << 10;

interface Note {
  sender: number;
  number: number;
  check: number;
}

interface Hashed extends Note {
  text: string;
  digest: Uint8Array;
}

const mix = (sender: number, number: number) => (Math.imul(sender, 0x9e3779b1) ^ number) >>> 0;

/** Fills an event such that a torn one is seen. */
export function write(event: Note, sender: number): void {
  event.sender = sender;
  event.number = (event.number + 1) >>> 0;
  event.check = mix(sender, event.number);
}

/** The same for one that is hashed on its way. */
export function writeHashed(event: Hashed, sender: number): void {
  write(event, sender);
  event.text = `${sender} ${event.number}`;
}

/** Fills a long record, which is different every time. */
export function longRecord(number: number): Buffer {
  const record = Buffer.alloc(longBytes, `${number},`);
  record.writeUInt32LE(number, longBytes - 4);
  return record;
}

/** Of so many digests one is compared: hashing all of them again would be all that is done. */
const compared = 4;

/** Throws when what a native thread wrote is not the digest. */
export function checkDigest(number: number, bytes: string | Uint8Array, digest: Uint8Array): void {
  if (number % compared !== 0) return;
  const expected = createHash('sha256').update(bytes).digest();
  if (!expected.equals(digest)) throw new Error(`wrong digest of number ${number}`);
}

/** Throws when an event that was hashed is not whole. */
export function checkHashed(event: Readonly<Hashed>): void {
  check(event);
  checkDigest(event.number, event.text, event.digest);
}

/** Throws when an event is not whole. */
export function check(event: Readonly<Note>): void {
  const { sender, number } = event;
  if (event.check !== mix(sender, number)) throw new Error(`torn event ${sender} ${number}`);
}
