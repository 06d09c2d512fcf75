import { expect } from '@jest/globals';
import { replay, type Session } from './session.js';
import type { Trader } from './trader.js';

/**
 * Checks that the answers of all connections, the journal and the settlements tell one story: each
 * answer is that of the order in its place, no order has two, and none in the journal has none.
 */
export function checkAnswers(traders: readonly Trader[], { journal, settlement }: Session): void {
  // Each order is in the journal once, in the order of the ring, without a gap.
  expect(journal.findIndex(({ number }, index) => number !== index)).toBe(-1);
  const due = replay(journal);
  const answered = new Set<number>();
  for (const { sent, answers } of traders) {
    let last = -1;
    for (const [index, answer] of answers.entries()) {
      const line = sent[index];
      if (line === undefined) throw new Error(`an answer to nothing: ${answer}`);
      if (line.startsWith('HOLD')) {
        expect(answer).toMatch(/^ERROR expected: /);
        continue;
      }
      const number = Number.parseInt(answer, 10);
      expect({ line: journal[number]?.line, answer }).toEqual({
        line,
        answer: due.answers.get(number),
      });
      expect(number).toBeGreaterThan(last);
      last = number;
      answered.add(number);
    }
  }
  expect(answered.size).toBe(due.answers.size);
  expect(settlement).toBe(due.settlement);
}
