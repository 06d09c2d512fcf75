import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { charts } from './charts.js';

const PLOT = join(import.meta.dirname, '../plot');

/**
 * What was measured as one HTML file that needs nothing else: plots drawn by uPlot, which is in it.
 * @param {{ command: string, machine: Record<string, string | number>, rows: readonly import('./row.js').Row[],
 *   curves: readonly import('./experiment.js').Curves[] }} made
 * @returns {Promise<string>}
 */
export async function plot({ command, machine, rows, curves }) {
  const library = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const [script, style, pageScript, pageStyle] = await Promise.all(
    [
      join(library, 'dist/uPlot.iife.min.js'),
      join(library, 'dist/uPlot.min.css'),
      join(PLOT, 'page.js'),
      join(PLOT, 'page.css'),
    ].map((file) => readFile(file, 'utf8')),
  );
  const data = { command, machine, charts: charts(rows, curves) };
  return page(data, { scripts: [script, pageScript], styles: [style, pageStyle] });
}

/**
 * The page around the data; its script finds them in the element `data`.
 * @param {unknown} data
 * @param {{ scripts: readonly string[], styles: readonly string[] }} parts
 */
export function page(data, { scripts, styles }) {
  // In a script element only `<` could begin something else.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    '<title>Millrace benchmarks</title>',
    ...styles.map((style) => `<style>${style}</style>`),
    '<main></main>',
    `<script type="application/json" id="data">${json}</script>`,
    ...scripts.map((script) => `<script>${script}</script>`),
    '</html>',
    '',
  ].join('\n');
}
