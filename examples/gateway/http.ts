import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Status } from './status.js';
import { statusPage } from './status-page.js';

const TEXT = 'text/plain; charset=utf-8';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

/** What the pages show. */
export interface HttpSources {
  status(): Status;
  metrics(): Promise<string>;
}

/** Serves `/healthz`, `/metrics` and `/`. */
export class HttpServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens; rejects with Node's error when it cannot. */
  static async listen(host: string, port: number, sources: HttpSources): Promise<HttpServer> {
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return send(response.setHeader('allow', 'GET, HEAD'), 405, TEXT, 'only GET and HEAD\n');
      }
      answer(path, response, sources).catch((error: Error) => {
        send(response, 500, TEXT, `${error.message}\n`);
      });
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new HttpServer(server);
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops, without waiting for clients that keep their connection open. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(path: string, response: ServerResponse, sources: HttpSources): Promise<void> {
  if (path === '/healthz') {
    const { phase } = sources.status();
    return send(response, phase === 'serving' ? 200 : 503, TEXT, `${phase}\n`);
  }
  if (path === '/metrics') return send(response, 200, METRICS, await sources.metrics());
  if (path === '/') return send(response, 200, HTML, statusPage(sources.status()));
  return send(response, 404, TEXT, 'not found: there are /, /healthz and /metrics\n');
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
