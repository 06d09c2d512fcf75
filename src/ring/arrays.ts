import { Buffer } from 'node:buffer';

/** @internal Every way to look at one block of memory; a view holds one of these and an offset. */
export class Arrays {
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
  readonly bytes: Buffer;

  /** @param memory As long as a multiple of 8. */
  constructor(memory: ArrayBufferLike) {
    this.i8 = new Int8Array(memory);
    this.u8 = new Uint8Array(memory);
    this.i16 = new Int16Array(memory);
    this.u16 = new Uint16Array(memory);
    this.i32 = new Int32Array(memory);
    this.u32 = new Uint32Array(memory);
    this.f32 = new Float32Array(memory);
    this.f64 = new Float64Array(memory);
    this.i64 = new BigInt64Array(memory);
    this.u64 = new BigUint64Array(memory);
    this.bytes = Buffer.from(memory as ArrayBuffer);
  }
}
