import { connect } from 'node:net';

/** Opens connections, asks once on each when all are open, and says how many were answered. */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const sockets: ReturnType<typeof connect>[] = [];
let answered = 0;

for (let next = 0; next < count; ) {
  const some = Math.min(200, count - next);
  await Promise.all(
    Array.from({ length: some }, async () => {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      await new Promise<void>((resolve, reject) =>
        socket.on('connect', resolve).on('error', reject),
      );
    }),
  );
  next += some;
}
await new Promise<void>((resolve) => {
  for (const [i, socket] of sockets.entries()) {
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString();
      if (received !== `question ${i}\n`) return;
      answered += 1;
      if (answered === count) resolve();
    });
    socket.write(`question ${i}\n`);
  }
});
console.log(answered);
for (const socket of sockets) socket.resetAndDestroy();
