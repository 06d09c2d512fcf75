import type { Buffer } from 'node:buffer';
import { OpenClaim } from './open-claim.js';
import { checked, type View } from './view.js';

const CHECKED = checked;

/**
 * A record that a producer has claimed and not published yet: fill its header and its payload in place, in any order, then
 * {@link commit}. Disposed of without that, the claim is aborted: no consumer sees it, and nobody waits for it.
 *
 * Until it ends, its producer publishes nothing else, and what other producers of the ring publish meanwhile is not
 * seen: it should end soon. One whose thread ends is given up for it.
 *
 * @example
 * const ring = ByteRing.create({ capacity: 4096, header: { kind: 'u8' }, stages: { print: {} } });
 * const out = ring.producer();
 * using claim = out.tryClaim(100) ?? (await out.claim(100));
 * claim.header.kind = 7;
 * claim.commit(claim.bytes.write('a hundred bytes at most'));
 * ring.detach();
 */
export class RecordClaim<H extends object> extends OpenClaim {
  /** @internal */
  override readonly unit = 'bytes';
  readonly #header: View;
  readonly #bytes: Buffer;

  /** @internal */
  constructor(header: View, bytes: Buffer, end: (used: number | undefined) => void) {
    super(bytes.length, end);
    this.#header = header;
    this.#bytes = bytes;
  }

  /**
   * The header fields, which are zeros before. Valid until the claim ends.
   *
   * @throws `ERR_MILLRACE_STALE` when the claim has ended.
   */
  get header(): H {
    this.checkOpen();
    return this.#header as unknown as H;
  }

  /**
   * The payload: a Buffer of `length` bytes over the ring, which still has what was there a lap ago. Not to be written
   * when the claim has ended: nothing finds that, also with `MILLRACE_CHECK=1`.
   *
   * @throws `ERR_MILLRACE_STALE` when the claim has ended.
   */
  get bytes(): Buffer {
    this.checkOpen();
    return this.#bytes;
  }

  /** @internal */
  override expire(): void {
    super.expire();
    if (CHECKED) this.#header.$at = -1;
  }
}
