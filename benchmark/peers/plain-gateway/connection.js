import Parser from 'redis-parser';

/**
 * Serves one connection: commands one after the other, so that answers keep their order and a
 * command sees what those before it wrote.
 */
export function serve(socket, store) {
  const commands = [];
  let working = false;

  const parser = new Parser({
    returnBuffers: true,
    returnReply: (command) => commands.push(command),
    returnError: (error) => commands.push(error),
    returnFatalError: () => socket.destroy(),
  });

  async function work() {
    working = true;
    while (commands.length > 0 && !socket.destroyed) {
      socket.write(await answer(commands.shift(), store));
    }
    working = false;
  }

  socket.on('data', (bytes) => {
    parser.execute(bytes);
    if (!working) {
      work();
    }
  });
  socket.on('error', () => socket.destroy());
}

async function answer(command, store) {
  if (!Array.isArray(command) || command.length === 0) {
    return '-ERR Protocol error\r\n';
  }
  const [name, ...rest] = command;
  try {
    switch (name.toString('latin1').toUpperCase()) {
      case 'PING':
        return '+PONG\r\n';
      case 'XADD': {
        if (rest.length < 4 || rest.length % 2 !== 0) {
          return "-ERR wrong number of arguments for 'xadd' command\r\n";
        }
        const id = await store.append(rest[0], rest[1].toString('latin1'), rest.slice(2));
        return `$${id.length}\r\n${id}\r\n`;
      }
      case 'XLEN':
        return `:${await store.length(rest[0])}\r\n`;
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  } catch (error) {
    return `-${error.reply ?? 'TRYAGAIN the outcome is not known'}\r\n`;
  }
}
