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
const hashed = { ...fields, digest: 'bytes(32)' } as const;
const behind = Object.fromEntries(Object.keys(stages).map((name) => [name, { after: ['hash'] }]));
export const hash = native.hash('sha256', { from: 'digest', to: 'digest' });

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

interface Note {
  sender: number;
  number: number;
  check: number;
}

const mix = (sender: number, number: number) => (Math.imul(sender, 0x9e3779b1) ^ number) >>> 0;

/** Fills an event such that a torn one is seen. */
export function write(event: Note, sender: number): void {
  event.sender = sender;
  event.number = (event.number + 1) >>> 0;
  event.check = mix(sender, event.number);
}

/** Throws when an event is not whole. */
export function check(event: Readonly<Note>): void {
  const { sender, number } = event;
  if (event.check !== mix(sender, number)) throw new Error(`torn event ${sender} ${number}`);
}
