import { equal } from './ratio.js';

/**
 * Rows as a table to read: medians with their spread, the ratio against the best peer, the share of
 * the best limit. `=` marks what is within noise. A few runs are all shown, in the order made, because
 * a median of them hides two modes.
 * @param {readonly import('./row.js').Row[]} rows
 */
export function table(rows) {
  const lines = [['case', 'unit', 'side', 'median', 'min', 'max', 'ratio', 'runs']];
  for (const row of rows) {
    lines.push([
      `${row.suite} ${row.case}`,
      `${row.unit}, ${row.better} is better`,
      row.ours?.variant === undefined ? 'ours' : `ours, ${row.ours.variant}`,
      ...numbers(row.ours),
      row.ratio === null ? '' : `${times(row.ratio)} the best peer`,
      runs(row.ours),
    ]);
    for (const [name, figure] of Object.entries(row.peers)) {
      lines.push(['', '', name, ...numbers(figure), '', runs(figure)]);
    }
    for (const [name, figure] of Object.entries(row.limits)) {
      lines.push(['', '', `limit ${name}`, ...numbers(figure), '', runs(figure)]);
    }
    if (row.ofLimit !== null) {
      lines.at(-1)[6] = `ours is ${times(row.ofLimit)} the best limit`;
    }
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, column, widths))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function numbers(figure) {
  return figure === null ? ['-', '', ''] : [figure.median, figure.min, figure.max].map(readable);
}

/** Most runs that are all shown. */
const FEW = 5;

function runs(figure) {
  const made = figure?.runs ?? [];
  return made.length > 1 && made.length <= FEW ? made.map(readable).join('  ') : '';
}

/** Four significant digits, thousands apart. */
export function readable(number) {
  const rounded = Number(number.toPrecision(4));
  return rounded.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

function times(ratio) {
  if (ratio >= Number.MAX_VALUE) {
    return 'infinitely';
  }
  return equal(ratio) ? `= (${ratio.toFixed(2)}x)` : `${ratio.toFixed(2)}x`;
}

function pad(cell, column, widths) {
  const isNumber = column >= 3 && column <= 5;
  return isNumber ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
}
