/** A piece of a post: words as they are, or the address of a page. */
export interface Segment {
  readonly text: string;
  /** Present if the piece is an http or https address. */
  readonly href?: string;
}

const ADDRESS = /https?:\/\/[^\s<>"']+/giu;

/** Splits text into words and addresses. Friends' text only ever reaches the page through these strings, never as HTML. */
export function segments(text: string): Segment[] {
  const pieces: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const found = withoutTrailingPunctuation(match[0]);
    if (!URL.canParse(found)) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: found, href: found });
    end = match.index + found.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** A sentence's full stop is not part of the address, nor is a bracket that was opened before it. */
function withoutTrailingPunctuation(address: string): string {
  let kept = address;
  for (;;) {
    const last = kept.at(-1) ?? '';
    const unopened = last === ')' && !kept.includes('(');
    if (!unopened && !'.,;:!?…'.includes(last)) return kept;
    if (kept === '') return kept;
    kept = kept.slice(0, -1);
  }
}
