import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from './plot.js';

test('the data come back as they were, whatever is in them', () => {
  const data = { command: 'a </script><script>alert(1)</script> <!-- b' };
  const html = page(data, { scripts: ['run()'], styles: ['a{}'] });
  const [, json] = /id="data">(.*)<\/script>\n<script>run/s.exec(html);
  assert.deepEqual(JSON.parse(json), data);
  assert.equal(html.match(/<script/g).length, 2);
});

test('the page asks for nothing from elsewhere', () => {
  const html = page({}, { scripts: [], styles: [] });
  assert.doesNotMatch(html, /(src|href)=/);
});
