import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { side, source } from '../../examples/exchange/events.js';
import { Matching } from '../../examples/exchange/matching.js';
import { parsePrice } from '../../examples/exchange/price.js';
import { refusal } from '../../examples/exchange/risk.js';

/** An order as the journal has it. */
export interface JournalEntry {
  readonly number: number;
  /** As the client sent it. */
  readonly line: string;
  readonly from: string;
}

/** What a session left on disk. */
export interface Session {
  readonly journal: readonly JournalEntry[];
  readonly settlement: string;
}

export async function readSession(directory: string): Promise<Session> {
  const journal = await readFile(join(directory, 'journal.log'), 'utf8');
  const entries = journal.split('\n').slice(0, -1);
  return {
    journal: entries.map((entry) => {
      const words = entry.split(' ');
      return {
        number: Number(words[0]),
        line: words.slice(1, -1).join(' '),
        from: words.at(-1) ?? '',
      };
    }),
    settlement: await readFile(join(directory, 'settlement.log'), 'utf8'),
  };
}

/** What must have come of a journal: the answer to each client's order by its number, and the file of trades. */
export function replay(journal: readonly JournalEntry[]) {
  const matching = new Matching();
  const answers = new Map<number, string>();
  let settlement = '';
  for (const { number, line, from } of journal) {
    const [verb, symbol = '', quantity, price = ''] = line.split(' ');
    const order = {
      number,
      source: from === 'maker' ? source.maker : source.client,
      side: verb === 'BUY' ? side.buy : side.sell,
      symbol,
      quantity: Number(quantity),
      price: parsePrice(price) ?? Number.NaN,
      reply: 0,
    };
    const settled = matching.match({ ...order, refusal: refusal(order) });
    settlement += settled?.trades ?? '';
    if (settled?.answer) answers.set(number, settled.answer.text);
  }
  return { answers, settlement };
}
