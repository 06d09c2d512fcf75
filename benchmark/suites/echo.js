import { join } from 'node:path';
import { Child } from '../frame/child.js';
import { load } from '../frame/load.js';
import { nativeProgram } from '../frame/native.js';
import { limit, ours, peer } from '../frame/side.js';

const CONNECTIONS = 100;
const BYTES = 100;
const WARM_UP_SECONDS = 1;

/** Requests and answers of 100 bytes over 100 connections, one in flight on each. */
export const echo = {
  name: 'echo',
  effort: {
    quick: { rounds: 5, seconds: 2 },
    normal: { rounds: 15, seconds: 4 },
    long: { rounds: 61, seconds: 10 },
  },
  experiments: [
    {
      cases: {
        'js-handler/rate': { unit: 'requests/s', better: 'higher' },
        'js-handler/js-time': { unit: 'us/message', better: 'lower' },
        'js-handler/js-cpu': { unit: 'us/message', better: 'lower' },
        'js-handler/p99': { unit: 'us', better: 'lower' },
      },
      sides: [
        ours((effort) => handled('ours/echo.js', effort)),
        peer('node:net', (effort) => handled('peers/node-net-echo.js', effort)),
        limit('epoll', (effort) => bare(effort)),
      ],
    },
  ],
};

async function handled(script, { seconds, pin }) {
  const server = new Child([process.execPath, join(import.meta.dirname, '..', script)], {
    ipc: true,
    core: pin ? 0 : null,
  });
  try {
    const port = await server.ask('port');
    const { rate, p99, end } = await load(command(port, seconds), {
      core: pin ? 1 : null,
      begin: () => server.ask('begin'),
      end: () => server.ask('end'),
    });
    return {
      'js-handler/rate': rate,
      'js-handler/js-time': end.busy / end.messages,
      'js-handler/js-cpu': end.processor / end.messages,
      'js-handler/p99': p99,
    };
  } finally {
    await server.stop();
  }
}

async function bare({ seconds, pin }) {
  const server = new Child([nativeProgram(), 'epoll-echo', '0'], { core: pin ? 0 : null });
  try {
    const { port } = await server.line();
    const { rate, p99 } = await load(command(port, seconds), { core: pin ? 1 : null });
    return { 'js-handler/rate': rate, 'js-handler/p99': p99 };
  } finally {
    await server.stop();
  }
}

function command(port, seconds) {
  return ['load-echo', port, CONNECTIONS, BYTES, seconds, 1, WARM_UP_SECONDS];
}
