import type { Held } from './held.js';
import { layout as L } from './layout.js';
import type { RecordView } from './record.js';
import type { RingMemory } from './ring-memory.js';
import { checkUnwritten } from './unwritten.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/** Where a record's payload begins, behind its two words and its header fields. */
export function payloadOffset(fieldBytes: number): number {
  return L.RECORD_PREFIX + Math.ceil(fieldBytes / 8) * 8;
}

/** The iterator over a batch of records; see {@link EventStep} for its three roles. */
export class RecordStep<R> implements Iterator<R> {
  done: boolean | undefined = false;
  value: R;
  /** The sequence behind the records that the iteration has gone past. */
  passed = 0;
  readonly #memory: RingMemory;
  readonly #view: ViewClass<RecordView>;
  readonly #held: Held;
  readonly #payload: number;
  #record: RecordView;
  #first = 0;
  #exact = 0;
  #next = 0;
  #end = 0;

  constructor(memory: RingMemory, view: ViewClass<View>, held: Held) {
    this.#memory = memory;
    this.#held = held;
    this.#view = view as ViewClass<RecordView>;
    this.#payload = payloadOffset(memory.words[L.HEADER_FIELDS] as number);
    this.#record = new this.#view();
    this.value = this.#record as unknown as R;
  }

  /** @param exact The number of the sequence `first`. */
  begin(first: number, end: number, exact: number): this {
    this.#next = first;
    this.#first = first;
    this.#exact = exact;
    this.#end = end;
    this.passed = first;
    this.done = false;
    return this;
  }

  next(): IteratorResult<R, undefined> {
    const { words, slots, mask } = this.#memory;
    while (((this.#end - this.#next) | 0) > 0) {
      const sequence = this.#next;
      const at = slots + (sequence & mask) * L.GRANULE;
      const length = words[at >> 2] as number;
      this.#next = (sequence + (words[(at >> 2) + 1] as number)) | 0;
      // Padding, as a signed number.
      if (length === -1) continue;
      // First: where it throws, the record before is in hand still.
      this.#show(at, length, sequence);
      this.passed = sequence;
      return this as IteratorYieldResult<R>;
    }
    this.passed = this.#end;
    this.done = true;
    return this as unknown as IteratorReturnResult<undefined>;
  }

  /** Moves the view to the record that begins at a sequence. */
  recordAt(sequence: number): R {
    const { words, slots, mask } = this.#memory;
    const at = slots + (sequence & mask) * L.GRANULE;
    this.#show(at, words[at >> 2] as number, sequence);
    return this.value;
  }

  /** Where the records between two sequences begin. */
  begins(first: number, end: number): number[] {
    const { words, slots, mask } = this.#memory;
    const all: number[] = [];
    for (let next = first; ((end - next) | 0) > 0; ) {
      const at = (slots + (next & mask) * L.GRANULE) >> 2;
      if (words[at] !== -1) all.push(next);
      next = (next + (words[at + 1] as number)) | 0;
    }
    return all;
  }

  /** True when nothing but padding is left behind the record in hand. */
  get last(): boolean {
    const { words, slots, mask } = this.#memory;
    let next = this.#next;
    while (((this.#end - next) | 0) > 0) {
      const at = (slots + (next & mask) * L.GRANULE) >> 2;
      if (words[at] !== -1) return false;
      next = (next + (words[at + 1] as number)) | 0;
    }
    return true;
  }

  #show(at: number, length: number, sequence: number): void {
    if (CHECKED) this.#renew(sequence);
    const record = this.#record;
    record.$at = at + L.RECORD_PREFIX;
    record.$start = at + this.#payload;
    record.$size = length;
    record.$place = this.#exact + ((sequence - this.#first) | 0);
  }

  /** What was handed out is used no more: an iteration under way ends; with `MILLRACE_CHECK=1` a late use throws. */
  expire(): void {
    this.#end = this.#next;
    if (CHECKED) this.#retire();
  }

  /** See {@link EventStep.checkUnwritten}. */
  checkUnwritten(): void {
    checkUnwritten(this.#record);
  }

  #renew(sequence: number): void {
    this.checkUnwritten();
    this.#retire();
    this.#held.check(sequence);
    this.#record = new this.#view();
    this.#held.watch(this.#record, sequence);
    this.value = this.#record as unknown as R;
  }

  #retire(): void {
    this.#record.$at = -1;
  }
}
