import { compareIds, idAfter, MAX_ID, type StreamId } from './stream-id.js';

/** What an XADD asks for: `*`, `ms-*`, or an id. */
export type IdRequest =
  | { readonly kind: 'auto' }
  | { readonly kind: 'open-sequence'; readonly ms: bigint }
  | { readonly kind: 'explicit'; readonly id: StreamId };

/** The one request for `*`: most commands share it. */
export const AUTO_ID: IdRequest = { kind: 'auto' };

/** Redis's texts, to the letter. */
export const ID_ERRORS = {
  zero: 'ERR The ID specified in XADD must be greater than 0-0',
  notGreater: 'ERR The ID specified in XADD is equal or smaller than the target stream top item',
  exhausted: 'ERR The stream has exhausted the last possible ID, unable to add more items',
} as const;

/**
 * The id an entry gets, by Redis's rules; or the text of the error.
 *
 * An id never goes back, also when the clock does: `*` then counts on from the last id.
 *
 * @param last The stream's last id, {@link ZERO_ID} when it has none.
 * @param now Milliseconds since 1970, a whole number.
 */
export function nextId(request: IdRequest, last: StreamId, now: number): StreamId | string {
  if (compareIds(last, MAX_ID) === 0) return ID_ERRORS.exhausted;
  if (request.kind === 'auto') {
    const ms = BigInt(now);
    return ms > last.ms ? { ms, seq: 0n } : (idAfter(last) as StreamId);
  }
  if (request.kind === 'explicit') {
    return compareIds(request.id, last) > 0 ? request.id : ID_ERRORS.notGreater;
  }
  if (request.ms > last.ms) return { ms: request.ms, seq: 0n };
  if (request.ms < last.ms || last.seq === MAX_ID.seq) return ID_ERRORS.notGreater;
  return { ms: last.ms, seq: last.seq + 1n };
}
