import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from './ring-cells.js';

test('the table is every graph by every batch by every size, and a quick run six of it', () => {
  const all = cells('long').map(({ name }) => name);
  assert.equal(new Set(all).size, 30);
  assert.deepEqual(cells('normal'), cells('long'));
  const quick = cells('quick').map(({ name }) => name);
  assert.equal(quick.length, 6);
  assert.ok(quick.every((name) => all.includes(name)));
});

test('graphs with more threads than cores have a second row by 1', () => {
  const crowded = cells('long').flatMap((cell) => cell.crowded ?? []);
  assert.deepEqual(crowded.sort(), [
    'crowded/1p3c/1/1024',
    'crowded/1p3c/1/65536',
    'crowded/3p1c/1/1024',
    'crowded/3p1c/1/65536',
    'crowded/pipeline/1/1024',
    'crowded/pipeline/1/65536',
  ]);
});
