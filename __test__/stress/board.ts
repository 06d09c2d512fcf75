/**
 * What all threads of a round note, in memory that outlives whoever is terminated: a life for each opening of a stage or
 * producer, and a log of who saw which event.
 */

const LIVES = 2048;
const ENTRIES = 1 << 19;

const NEXT_LIFE = 0;
const NEXT_ENTRY = 1;
/** Events that producers have begun. */
const BEGUN = 2;
/** Whether the ring is being closed, or is. */
const CLOSE = 3;
const HEADER = 16;

/** Words of a life. */
const ROLE = 0;
const STATE = 1;
const WAY = 2;
const FLOOR = 3;
const ACCEPTED = 4;
const DOUBT = 5;
const CLAIM = 6;
const CLAIM_STATE = 7;
const USED = 8;
const ABORTED = 9;
const RETRIES = 10;
const REFUSAL = 11;
const COMMITTED = 12;
const LIFE_WORDS = 13;

const LOG = HEADER + LIVES * LIFE_WORDS;
const ENTRY_WORDS = 4;

/** How a life went on: terminated ones stay `running`. */
export const running = 0;
export const ended = 1;
export const left = 2;
/** By an error of its handler, which failed the ring. */
export const failed = 3;

/** What a producer was refused with. */
export const refusals = { none: 0, closed: 1, failed: 2 } as const;

/** Roles that are no stage's: its index is the role of who has it. */
export const producerRole = 100;
export const visitorRole = 200;

/** How far a close is: not begun, begun, and resolved, with all consumers gone. */
export const closes = { none: 0, begun: 1, resolved: 2 } as const;

/** What a claim of a producer is: when its thread is terminated in between, it may be there or not. */
export const claimStates = { none: 0, maybe: 1, open: 2, ending: 3 } as const;

/** One event, as a consumer saw it. */
export interface Seen {
  readonly life: number;
  readonly by: number;
  readonly n: number;
  /** Counted from the ring's first. */
  readonly sequence: number;
}

/** A life, as its own thread has it. */
export class Life {
  readonly number: number;
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, number: number) {
    this.#words = words;
    this.number = number;
    this.#at = HEADER + number * LIFE_WORDS;
  }

  #get(word: number): number {
    return Atomics.load(this.#words, this.#at + word);
  }

  #set(word: number, value: number): void {
    Atomics.store(this.#words, this.#at + word, value);
  }

  get role(): number {
    return this.#get(ROLE);
  }
  set role(value: number) {
    this.#set(ROLE, value);
  }

  get state(): number {
    return this.#get(STATE);
  }
  set state(value: number) {
    this.#set(STATE, value);
  }

  /** What it was about, for messages. */
  get way(): number {
    return this.#get(WAY);
  }
  set way(value: number) {
    this.#set(WAY, value);
  }

  /** What a consumer saw before this sequence does not come again. */
  get floor(): number {
    return this.#get(FLOOR);
  }
  set floor(value: number) {
    this.#set(FLOOR, value);
  }

  /** Whether it begins batches again that failed. */
  get retries(): boolean {
    return this.#get(RETRIES) === 1;
  }
  set retries(value: boolean) {
    this.#set(RETRIES, value ? 1 : 0);
  }

  /** Events a producer has written. */
  get accepted(): number {
    return this.#get(ACCEPTED);
  }
  set accepted(value: number) {
    this.#set(ACCEPTED, value);
  }

  /** 1 while the last event may be accepted or not. */
  get doubt(): number {
    return this.#get(DOUBT);
  }
  set doubt(value: number) {
    this.#set(DOUBT, value);
  }

  /** Slots of the claim, see {@link claimStates}. */
  get claim(): number {
    return this.#get(CLAIM);
  }
  get claimState(): number {
    return this.#get(CLAIM_STATE);
  }
  /** Of the claim that ends, the events that are published. */
  get used(): number {
    return this.#get(USED);
  }
  noteClaim(state: number, length = 0, used = 0): void {
    this.#set(CLAIM, length);
    this.#set(USED, used);
    if (state === claimStates.ending) this.#set(COMMITTED, used);
    this.#set(CLAIM_STATE, state);
  }

  /** The events of the last claim that was to be published: lost when the ring had failed by then. */
  get committed(): number {
    return this.#get(COMMITTED);
  }

  /** What it was refused with, see {@link refusals}. */
  get refusal(): number {
    return this.#get(REFUSAL);
  }
  set refusal(value: number) {
    this.#set(REFUSAL, value);
  }

  /** Slots that were given up. */
  get aborted(): number {
    return this.#get(ABORTED);
  }
  set aborted(value: number) {
    this.#set(ABORTED, value);
  }
}

/** The board of a round. */
export class Board {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer((LOG + ENTRIES * ENTRY_WORDS) * 4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** A new life. */
  begin(role: number, way: number): Life {
    const number = Atomics.add(this.#words, NEXT_LIFE, 1);
    if (number >= LIVES) throw new Error('more lives than the board has');
    const life = new Life(this.#words, number);
    life.role = role;
    life.way = way;
    return life;
  }

  get lives(): Life[] {
    const length = Atomics.load(this.#words, NEXT_LIFE);
    return Array.from({ length }, (_, number) => new Life(this.#words, number));
  }

  /** Notes what a consumer saw: behind the words of the entry comes the life, so that half an entry is none. */
  log(life: number, by: number, n: number, sequence: number): void {
    const entry = Atomics.add(this.#words, NEXT_ENTRY, 1);
    if (entry >= ENTRIES) throw new Error('more events than the board has entries');
    const at = LOG + entry * ENTRY_WORDS;
    this.#words[at + 1] = by;
    this.#words[at + 2] = n;
    this.#words[at + 3] = sequence;
    Atomics.store(this.#words, at, life + 1);
  }

  get seen(): Seen[] {
    const words = this.#words;
    const seen: Seen[] = [];
    for (let entry = 0; entry < Atomics.load(words, NEXT_ENTRY); entry++) {
      const at = LOG + entry * ENTRY_WORDS;
      const life = Atomics.load(words, at) - 1;
      const word = (i: number) => words[at + i] as number;
      if (life >= 0) seen.push({ life, by: word(1), n: word(2), sequence: word(3) });
    }
    return seen;
  }

  /** How far the ring's close is, see {@link closes}. */
  get close(): number {
    return Atomics.load(this.#words, CLOSE);
  }
  set close(value: number) {
    Atomics.store(this.#words, CLOSE, value);
    Atomics.notify(this.#words, CLOSE);
  }

  /** Blocks until the ring is being closed, and so many milliseconds while it is; or for a while. */
  blockUntilClosing(more: number): void {
    Atomics.wait(this.#words, CLOSE, closes.none, 500);
    Atomics.wait(this.#words, CLOSE, closes.begun, more);
  }

  /** Counts events that a producer is about to publish; how many all have. */
  count(events: number): number {
    return Atomics.add(this.#words, BEGUN, events) + events;
  }
}
