import { setTimeout as pause } from 'node:timers/promises';
import { afterEach } from '@jest/globals';
import { type Listener, type ListenOptions, Reactor } from 'millrace';
import { Client } from './client.js';

const open: { listener: Listener; clients: Client[]; reactor: Reactor }[] = [];

/** A listener on a free port, and clients for it; all ended after the test. */
export async function serving(options: Partial<ListenOptions> = {}) {
  const reactor = Reactor.create();
  const listener = await reactor.listen({ port: 0, ...options });
  const clients: Client[] = [];
  open.push({ listener, clients, reactor });
  const client = async () => {
    const one = await Client.connect(listener.port);
    clients.push(one);
    return one;
  };
  return { reactor, listener, client };
}

afterEach(async () => {
  for (const { clients, reactor } of open.splice(0)) {
    for (const { socket } of clients) socket.destroy();
    await reactor.close();
  }
});

/** Resolves when this has become true. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(2);
}
