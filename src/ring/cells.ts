import { layout as L } from './layout.js';

/** Word of a stage's cell. */
export function stageCell(stage: number): number {
  return L.STAGE_CELLS + stage * L.CELL_WORDS;
}

/** Word of a producer's cell. */
export function producerCell(words: Int32Array, producer: number): number {
  return stageCell((words[L.HEADER_SEATS] as number) + producer);
}

/** The cells that a mask of stages, or of the cursor, names. */
export function cellsOf(mask: number): number[] {
  const cells: number[] = mask & (1 << L.CURSOR_BIT) ? [L.CURSOR_CELL] : [];
  // Not by map(), whose arrays V8 takes for ones with holes: these are read where it is hot.
  for (const stage of stagesOf(mask)) cells.push(stageCell(stage));
  return cells;
}

/** The stages of a mask, in ascending order. */
export function stagesOf(mask: number): number[] {
  const stages: number[] = [];
  for (let stage = 0; stage < L.MAX_STAGES; stage++) {
    if (mask & (1 << stage)) stages.push(stage);
  }
  return stages;
}
