import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { Scheduler } from 'millrace';
import { runScript } from '../reactor/process.js';

test('a scheduler shows what it is, and is closed once', async () => {
  const scheduler = Scheduler.create({ nativeWorkers: 2, name: 'test' });
  expect(inspect(scheduler)).toBe('Scheduler { spawned: 0, finished: 0 }');
  expect(scheduler.stats()).toMatchObject({ spawned: 0, finished: 0, parked: 0 });
  await scheduler.close();
  await scheduler.close();
  expect(inspect(scheduler)).toBe('Scheduler { closed }');
});

test.each([
  { nativeWorkers: 0 },
  { nativeWorkers: 257 },
  { nativeWorkers: 1.5 },
  { nativeWorkers: '2' },
  { name: '' },
  { name: 7 },
])('an invalid option is refused: %j', (options) => {
  expect(() => Scheduler.create(options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
});

test('a scheduler does not keep the process', async () => {
  const { code, stderr } = await runScript(`
    import { Scheduler } from 'millrace';
    Scheduler.create({ nativeWorkers: 3 });
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
