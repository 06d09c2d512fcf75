import { Connection } from './connection.js';
import type { Speaker } from './speaker.js';

/** The low bits of a connection's number are its slot in the reactor, the others a generation; see crates/reactor. */
const SLOT = (1 << 20) - 1;

/**
 * The connections of a listener by number: an array by slot, because a look into it costs a third of one into a `Map`,
 * once a message.
 */
export class Connections {
  readonly #speaker: Speaker;
  readonly #bySlot: (Connection | undefined)[] = [];

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** Makes the connection with this number. */
  open(id: number, remoteAddress: string): Connection {
    const slot = id & SLOT;
    // One after the other: an array that is written far beyond its end becomes a hash table.
    while (this.#bySlot.length <= slot) this.#bySlot.push(undefined);
    const connection = new Connection(this.#speaker, id, remoteAddress);
    this.#bySlot[slot] = connection;
    return connection;
  }

  /** The connection with this number; made when nobody has told of it yet. */
  get(id: number): Connection {
    const connection = this.#bySlot[id & SLOT];
    return connection !== undefined && connection.id === id ? connection : this.open(id, '');
  }

  /** Forgets the connection with this number; what it was. */
  close(id: number): Connection {
    const connection = this.get(id);
    this.#bySlot[id & SLOT] = undefined;
    return connection;
  }
}
