import { framing, Reactor } from 'millrace';
import { asked } from '../frame/asked.js';
import { LoopTime } from '../frame/loop-time.js';

let messages = 0;
const time = new LoopTime();

const reactor = Reactor.create({ engine: 'auto', threads: 1 });
const listener = await reactor.listen({
  port: 0,
  host: '127.0.0.1',
  framing: framing.lines({ max: 65_536 }),
});
listener.serve({
  message(_connection, message) {
    messages++;
    message.reply(message.bytes);
  },
});

asked({
  port: () => listener.port,
  begin() {
    messages = 0;
    time.begin();
  },
  end: () => ({ busy: time.end(), processor: time.endProcessor(), messages }),
});
