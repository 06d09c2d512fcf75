/** Most bars of one chart: so many are wide enough for their figures. */
const MOST_BARS = 30;

/**
 * What is drawn of the latencies of one experiment: of each side, microseconds by percentile.
 * @typedef {object} CurveChart
 * @property {'curves'} kind
 * @property {string} title
 * @property {import('./experiment.js').Curves['sides']} sides
 */

/**
 * What is drawn of rows of one unit: a group of bars a case, a bar a side.
 * @typedef {object} BarChart
 * @property {'bars'} kind
 * @property {string} title
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {{ case: string, bars: Bar[] }[]} groups
 */

/** @typedef {{ role: 'ours' | 'peer' | 'limit', name: string, median: number, min: number, max: number }} Bar */

/**
 * The charts of what was measured. A row that names a point of a curve is drawn there, and not as a
 * bar.
 * @param {readonly import('./row.js').Row[]} rows
 * @param {readonly import('./experiment.js').Curves[]} curves
 * @returns {(CurveChart | BarChart)[]}
 */
export function charts(rows, curves) {
  const drawn = (row) =>
    curves.some(({ suite, case: name }) => row.suite === suite && row.case.startsWith(`${name}/`));
  const alike = new Map();
  for (const row of rows.filter((row) => !drawn(row))) {
    const key = `${row.suite} ${row.unit} ${row.better}`;
    alike.set(key, [...(alike.get(key) ?? []), row]);
  }
  return [
    ...curves.map(({ suite, case: name, sides }) => {
      return { kind: 'curves', title: `${suite} ${name}`, sides };
    }),
    ...[...alike.values()].flatMap(barCharts),
  ];
}

/** Charts of rows of one suite and unit, no more bars in each than have room. */
function barCharts(rows) {
  const [{ suite, unit, better }] = rows;
  const made = [];
  let room = 0;
  for (const row of rows) {
    const bars = barsOf(row);
    if (bars.length > room) {
      made.push({ kind: 'bars', title: suite, unit, better, groups: [] });
      room = Math.max(MOST_BARS, bars.length);
    }
    made.at(-1).groups.push({ case: row.case, bars });
    room -= bars.length;
  }
  return made;
}

function barsOf({ ours, peers, limits }) {
  const bar = (role, name, { median, min, max }) => ({ role, name, median, min, max });
  return [
    ...(ours === null ? [] : [bar('ours', 'ours', ours)]),
    ...Object.entries(peers).map(([name, figure]) => bar('peer', name, figure)),
    ...Object.entries(limits).map(([name, figure]) => bar('limit', name, figure)),
  ];
}
