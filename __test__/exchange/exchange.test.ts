import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { seeded } from '../../examples/exchange/random.js';
import { checkAnswers } from './check-answers.js';
import { ExchangeProcess } from './exchange-process.js';
import { orderLines } from './order-lines.js';
import { readSession } from './session.js';
import { Trader } from './trader.js';

const seed = Number(process.env.EXCHANGE_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** Runs a test and says with which seed it failed: EXCHANGE_SEED repeats its orders and its terminations. */
const withSeed = (run: (random: () => number) => Promise<void>) => () =>
  run(seeded(seed)).catch((error) => {
    error.message = `EXCHANGE_SEED=${seed}: ${error.message}`;
    throw error;
  });

const traders = (count: number, port: number) =>
  Promise.all(Array.from({ length: count }, () => Trader.connect(port)));

const onlySession = async (exchange: ExchangeProcess) => {
  const [directory = '', ...others] = await exchange.sessions();
  expect(others).toEqual([]);
  return readSession(directory);
};

test(
  'every order is answered once and in order while workers are terminated and replaced',
  withSeed(async (random) => {
    // Some 80 terminations of three workers: that one of them is spared has a chance of 10^-14.
    const args = ['--chaos', '100', '--seed', `${seed}`, '--quote-every', '5'];
    await using exchange = await ExchangeProcess.start(...args);
    const all = await traders(8, await exchange.port);
    await Promise.all(all.map((trader) => trader.trade(orderLines(1_000, random), 64)));
    for (const { sent, answers } of all) expect(answers.length).toBe(sent.length);
    exchange.terminate();
    const { code, stdout, stderr } = await exchange.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Orders are what terminates workers, so all of it was under load.
    for (const worker of ['risk', 'journal', 'maker']) {
      const [, replaced] = new RegExp(`${worker} (\\d+)`).exec(stdout) ?? [];
      expect({ stdout, worker, replaced: Number(replaced) > 0 }).toMatchObject({ replaced: true });
    }
    checkAnswers(all, await onlySession(exchange));
  }),
  60_000,
);

test(
  'a full ring holds clients back and loses nothing',
  withSeed(async (random) => {
    const args = ['--capacity', '16', '--chaos', '400', '--seed', `${seed}`, '--quote-every', '1'];
    await using exchange = await ExchangeProcess.start(...args);
    const all = await traders(4, await exchange.port);
    await Promise.all(all.map((trader) => trader.trade(orderLines(1_000, random), 500)));
    for (const { sent, answers } of all) expect(answers.length).toBe(sent.length);
    exchange.terminate();
    expect((await exchange.ended).code).toBe(0);
    checkAnswers(all, await onlySession(exchange));
  }),
  60_000,
);

test(
  'SIGTERM in the middle of a load answers what was accepted',
  withSeed(async (random) => {
    await using exchange = await ExchangeProcess.start('--chaos', '500', '--seed', `${seed}`);
    const all = await traders(4, await exchange.port);
    const trading = all.map((trader) => trader.trade(orderLines(Infinity, random), 100));
    while (all.some(({ answers }) => answers.length < 300)) await new Promise(setImmediate);
    exchange.terminate();
    await Promise.all(trading);
    const { code, stderr } = await exchange.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    checkAnswers(all, await onlySession(exchange));
  }),
  60_000,
);

test('a port in use is told in one line, and leaves nothing behind', async () => {
  await using other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await using exchange = await ExchangeProcess.start('--port', `${port}`);
  const { code, stdout, stderr } = await exchange.ended;
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: `exchange: port ${port} is in use: choose another one with --port\n`,
  });
  expect(await exchange.sessions()).toEqual([]);
});

test('an option that is not allowed is told with what is', async () => {
  await using exchange = await ExchangeProcess.start('--quote-every', 'often');
  const { code, stderr } = await exchange.ended;
  expect(code).toBe(2);
  expect(stderr).toBe("exchange: --quote-every is a whole number from 1 to 3600000, not 'often'\n");
});
