import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { checked, checkLive, View, type ViewClass } from './view.js';

const CHECKED = checked;

/** @internal What every view of a record is; the class that views of a memory begin with is made by {@link recordView}. */
export abstract class RecordView extends View {
  /** Byte offset of the payload in the ring's memory. */
  $start = 0;
  $size = 0;
  $place = 0;

  /** Bytes of the payload. */
  get length(): number {
    if (CHECKED) checkLive(this);
    return this.$size;
  }

  /** Which place in the ring the record begins at; grows from record to record. */
  get sequence(): number {
    if (CHECKED) checkLive(this);
    return this.$place;
  }

  /** The payload: a view of shared memory, valid as long as the record is. */
  abstract readonly bytes: Buffer;

  /** The payload as an ordinary Buffer. */
  copy(): Buffer {
    return Buffer.from(this.bytes);
  }

  [inspect.custom](): unknown {
    return this.$at < 0 ? 'a record after its step' : this.toJSON();
  }

  /** Its place, its payload and its header fields, as a plain object. */
  toJSON(): Record<string, unknown> {
    if (CHECKED) checkLive(this);
    const shown: Record<string, unknown> = { sequence: this.$place, bytes: this.copy() };
    // The header fields are the accessors that `makeView` has added, and nothing else is inherited and enumerable.
    for (const name in this) if (!Object.hasOwn(this, name)) shown[name] = this[name];
    return shown;
  }
}

/** The class that views of records in a memory begin with; accessors of header fields are added by `makeView`. */
export function recordView(memory: Buffer): ViewClass<RecordView> {
  return class extends RecordView {
    override get bytes(): Buffer {
      if (CHECKED) checkLive(this);
      return memory.subarray(this.$start, this.$start + this.$size);
    }
  };
}
