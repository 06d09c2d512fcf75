import { equal } from './ratio.js';

/**
 * Rows as a table to read: medians with their spread, the ratio against the best peer, the share of
 * the best limit. `=` marks what is within noise.
 * @param {readonly import('./row.js').Row[]} rows
 */
export function table(rows) {
  const lines = [['case', 'unit', 'side', 'median', 'min', 'max', 'ratio']];
  for (const row of rows) {
    lines.push([
      `${row.suite} ${row.case}`,
      `${row.unit}, ${row.better} is better`,
      'ours',
      ...numbers(row.ours),
      row.ratio === null ? '' : `${times(row.ratio)} the best peer`,
    ]);
    for (const [name, figure] of Object.entries(row.peers)) {
      lines.push(['', '', name, ...numbers(figure), '']);
    }
    for (const [name, figure] of Object.entries(row.limits)) {
      lines.push(['', '', `limit ${name}`, ...numbers(figure), '']);
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
