import { expect, test } from '@jest/globals';
import { binding } from '#dist/native/binding.js';
import { layout } from '#dist/ring/layout.js';

test('both sides have the same layout', () => {
  expect({ ...layout }).toEqual(binding.layoutNumbers());
});
