/** Who hands events to whom. */
const GRAPHS = ['1p1c', '3p1c', '1p3c', 'pipeline', 'diamond'];

/** Events made visible together. */
const BATCHES = [1, 10, 100];

const SLOTS = [65536, 1024];

/** The cells that a quick run measures. */
const QUICK = [
  '1p1c/1/65536',
  '1p1c/100/65536',
  '1p1c/1/1024',
  '3p1c/1/65536',
  '1p3c/10/65536',
  'pipeline/1/65536',
];

/** Graphs of four threads, whose events by 1 are a row of their own as well. */
const CROWDED = ['pipeline', '1p3c', '3p1c'];

/**
 * One cell of the table.
 * @typedef {object} Cell
 * @property {string} name
 * @property {string} graph
 * @property {number} batch
 * @property {number} slots
 * @property {string | null} crowded the name of its row among those with more threads than cores
 */

/**
 * The cells of a level of effort.
 * @param {'quick' | 'normal' | 'long'} level
 * @returns {Cell[]}
 */
export function cells(level) {
  const all = SLOTS.flatMap((slots) =>
    GRAPHS.flatMap((graph) => BATCHES.map((batch) => cell(graph, batch, slots))),
  );
  return level === 'quick' ? all.filter(({ name }) => QUICK.includes(name)) : all;
}

function cell(graph, batch, slots) {
  const name = `${graph}/${batch}/${slots}`;
  const crowded = batch === 1 && CROWDED.includes(graph) ? `crowded/${name}` : null;
  return { name, graph, batch, slots, crowded };
}
