import { once } from 'node:events';
import { connect } from 'node:net';

/** How many entries a stream has, asked by `XLEN`. */
export async function streamLength(port, stream) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.setEncoding('latin1');
  socket.write(`*2\r\n$4\r\nXLEN\r\n$${stream.length}\r\n${stream}\r\n`);
  let answer = '';
  while (!answer.endsWith('\r\n')) {
    const [bytes] = await once(socket, 'data');
    answer += bytes;
  }
  socket.destroy();
  if (!answer.startsWith(':')) {
    throw new Error(`XLEN was answered with ${JSON.stringify(answer)}`);
  }
  return Number(answer.slice(1));
}
