/** More than this is not read for a connection that has not asked anew since. */
const MOST_BYTES = 32 << 20;

interface Flight {
  reads: number;
  bytes: number;
}

/**
 * Keeps the replies of reads that nobody takes from filling memory.
 *
 * The reactor reads nothing more from a connection that leaves a mebibyte of answers unread. What
 * is left are commands it had read before: a thousand of them, a few bytes each, can ask for a
 * thousand long ranges. So the reads of a connection that are here at the same time share one
 * bound. Once all of them are answered, the next one comes from a client that has read on.
 */
export class ReadFlights {
  readonly #flights = new Map<number, Flight>();

  /** A read came from this connection. */
  begin(connection: number): void {
    const flight = this.#flights.get(connection);
    if (flight === undefined) this.#flights.set(connection, { reads: 1, bytes: 0 });
    else flight.reads++;
  }

  /** Whether another reply may be made for it. */
  admits(connection: number): boolean {
    return (this.#flights.get(connection)?.bytes ?? 0) < MOST_BYTES;
  }

  /** A read was answered with so many bytes. */
  end(connection: number, bytes: number): void {
    const flight = this.#flights.get(connection);
    if (flight === undefined) return;
    flight.bytes += bytes;
    flight.reads--;
    if (flight.reads === 0) this.#flights.delete(connection);
  }
}

/** Says what the client has to do first. */
export const READ_FIRST = `ERR more than ${MOST_BYTES} bytes of replies wait for this connection: read them before asking for more`;
