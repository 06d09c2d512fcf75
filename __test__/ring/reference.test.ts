import { expect, test } from '@jest/globals';
import { runScript } from '../process/run-program.js';

/** A ring of four slots whose wait ends at a timer, which does not keep the process: so only the wait may. */
const program = (ring: string, wait: string, end: string) => `
  import { ${ring} } from 'millrace';
  const events = '${ring}' === 'Ring';
  const capacity = events ? 4 : 128;
  const ring = ${ring}.create({ fields: { n: 'u32' }, stages: { read: {} }, capacity });
  const out = ring.producer();
  const read = ring.consumer('read');
  const one = events ? () => {} : 'record';
  const full = () => !out.tryPublish(one);
  const waited = ${wait};
  waited.then(() => console.log('waited'));
  setTimeout(() => { ${end} }, 50).unref();
`;
const consume = 'while (read.poll());';
const waits = {
  'a consumer that waits for a batch': {
    who: 'read',
    wait: 'Promise.resolve(read.receive())',
    end: 'full(); out.flush();',
  },
  'a consumer in a for await': {
    who: 'read',
    wait: 'read[Symbol.asyncIterator]().next()',
    end: 'full(); out.flush();',
  },
  'a ring that closes': { who: 'ring', wait: '(full(), ring.close())', end: consume },
  'a ring that closes with a timeout': {
    who: 'ring',
    wait: '(full(), ring.close({ timeout: 20 }))',
    end: '',
  },
  'a producer that waits for room': {
    who: 'out',
    wait: '(() => { while (!full()); return out.publish(one); })()',
    end: consume,
  },
};

for (const ring of ['Ring', 'ByteRing']) {
  // Consumers and closes are the same of both.
  const cases = Object.entries(waits).filter(([, { who }]) => ring === 'Ring' || who === 'out');
  test.each(cases)(
    `${ring}: %s keeps the process, unless it is not referenced`,
    async (_, { who, wait, end }) => {
      const script = program(ring, wait, end);
      const outcomes = await Promise.all(
        ['', `${who}.unref();`, `${who}.unref().unref().ref();`].map(async (more) => {
          const { code, stdout } = await runScript(script + more);
          return [code, stdout];
        }),
      );
      expect(outcomes).toEqual([
        [0, 'waited\n'],
        [0, ''],
        [0, 'waited\n'],
      ]);
    },
  );
}

test('what is not referenced before it waits does not keep the process either', async () => {
  const script = program('Ring', '(read.unref(), Promise.resolve(read.receive()))', 'full();');
  expect(await runScript(script)).toMatchObject({ code: 0, stdout: '' });
});
