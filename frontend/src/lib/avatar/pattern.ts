/** What one cell of a generated avatar shows: a quarter disc in one of four corners, a disc, a square, or nothing. */
export type Cell = 'empty' | 'square' | 'disc' | 'quarter-0' | 'quarter-1' | 'quarter-2' | 'quarter-3';

export interface Pattern {
  readonly hue: number;
  /** Three rows of three; the right column mirrors the left one. */
  readonly cells: readonly (readonly Cell[])[];
}

/** Hues that look different to people: even steps around the wheel would make every third avatar green. */
const HUES = [4, 18, 32, 46, 75, 130, 160, 180, 200, 215, 232, 250, 270, 290, 315, 335];

const CENTRE: readonly Cell[] = ['disc', 'square', 'disc', 'empty', 'disc', 'square', 'empty', 'disc'];
const SIDE: readonly Cell[] = ['quarter-0', 'quarter-1', 'quarter-2', 'quarter-3', 'disc', 'empty', 'quarter-2', 'square'];
const MIRROR: Partial<Record<Cell, Cell>> = {
  'quarter-0': 'quarter-1',
  'quarter-1': 'quarter-0',
  'quarter-2': 'quarter-3',
  'quarter-3': 'quarter-2',
};

/** The avatar that belongs to an identity: the same id draws the same picture everywhere. */
export function pattern(id: string): Pattern {
  let state = hash(id);
  const draw = (choices: number): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) % choices;
  };
  const hue = HUES[draw(HUES.length)] ?? 200;
  const cells = [0, 1, 2].map(() => {
    const side = SIDE[draw(SIDE.length)] ?? 'empty';
    const centre = CENTRE[draw(CENTRE.length)] ?? 'disc';
    return [side, centre, MIRROR[side] ?? side];
  });
  return { hue, cells };
}

/** FNV-1a over the characters: spreads ids that differ in one place. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value | 0;
}
