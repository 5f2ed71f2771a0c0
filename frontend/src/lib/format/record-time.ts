const DIGITS = '0123456789abcdefghijklmnopqrstuv';

/** When a post was written, in unix milliseconds: the first 48 bits of its id (docs/protocol.md, "Names"). */
export function recordTime(id: string): number {
  let bits = 0;
  for (const digit of id.slice(0, 10)) bits = bits * 32 + DIGITS.indexOf(digit);
  // Ten digits are 50 bits.
  return Math.floor(bits / 4);
}
