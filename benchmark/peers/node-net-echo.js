import { createServer } from 'node:net';
import { asked } from '../frame/asked.js';
import { LoopTime } from '../frame/loop-time.js';

const LINE_END = 10;

let messages = 0;
const time = new LoopTime();

/** Answers every line by itself; what is whole in a chunk goes back in one write, uncopied. */
function serve(socket) {
  let unfinished = null;
  socket.on('data', (chunk) => {
    const bytes = unfinished === null ? chunk : Buffer.concat([unfinished, chunk]);
    let whole = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, whole)) {
      messages++;
      whole = end + 1;
      if (whole === bytes.length) {
        break;
      }
    }
    unfinished = whole === bytes.length ? null : bytes.subarray(whole);
    if (whole > 0) {
      socket.write(whole === bytes.length ? bytes : bytes.subarray(0, whole));
    }
  });
  socket.on('error', () => socket.destroy());
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1');

asked({
  port: () => server.address().port,
  begin() {
    messages = 0;
    time.begin();
  },
  end: () => ({ busy: time.end(), processor: time.endProcessor(), messages }),
});
