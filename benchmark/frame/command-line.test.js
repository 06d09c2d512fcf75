import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine } from './command-line.js';

test('suites, level and file are read in any order', () => {
  assert.deepEqual(commandLine(['a', '--quick', 'b', '--json', 'out.json', 'a'], ['a', 'b']), {
    suites: ['a', 'b'],
    level: 'quick',
    pin: false,
    json: 'out.json',
    plot: null,
  });
  assert.equal(commandLine(['a'], ['a']).level, 'normal');
  assert.equal(commandLine(['--plot', 'out.html', 'a'], ['a']).plot, 'out.html');
});

test('a wrong command line is told what there is', () => {
  assert.throws(() => commandLine([], ['a', 'b']), /a, b/);
  assert.throws(() => commandLine(['c'], ['a', 'b']), /No suite is called c.*a, b/);
  assert.throws(() => commandLine(['a', '--quick', '--long'], ['a']), /exclude/);
  assert.throws(() => commandLine(['a', '--fast'], ['a']), TypeError);
});
