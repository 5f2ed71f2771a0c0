import { describe, expect, it } from 'vitest';
import { markdown, type Block, type Inline } from './markdown';

/** A tree in a line: what a reader would hear of it. */
function outline(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case 'paragraph':
          return `p(${words(block.inside)})`;
        case 'code':
          return `code(${block.text})`;
        case 'quote':
          return `quote(${outline(block.inside)})`;
        case 'list':
          return `${block.start === null ? 'ul' : `ol${block.start}`}(${block.items.map(outline).join('|')})`;
      }
    })
    .join(' ');
}

function words(pieces: readonly Inline[]): string {
  return pieces
    .map((piece) => {
      switch (piece.kind) {
        case 'text':
          return piece.text;
        case 'code':
          return `\`${piece.text}\``;
        case 'break':
          return '⏎';
        case 'link':
          return `<${piece.href} ${words(piece.inside)}>`;
        default:
          return `${piece.kind === 'strong' ? 'b' : 'i'}(${words(piece.inside)})`;
      }
    })
    .join('');
}

describe('markdown', () => {
  it.each([
    ['one\ntwo\n\nthree', 'p(one⏎two) p(three)'],
    ['a **b** *c* _d_ `e*f*`', 'p(a b(b) i(c) i(d) `e*f*`)'],
    ['snake_case_name and 2 * 3 * 4', 'p(snake_case_name and 2 * 3 * 4)'],
    ['- a\n- b', 'ul(p(a)|p(b))'],
    ['3. a\n4. b', 'ol3(p(a)|p(b))'],
    ['> a\n> > b', 'quote(p(a) quote(p(b)))'],
    ['```\n<b> *x*\n```', 'code(<b> *x*)'],
    ['see https://a.example/b_c_d.', 'p(see <https://a.example/b_c_d https://a.example/b_c_d>.)'],
    ['[here](https://a.example "title") and **https://b.example**', 'p(<https://a.example here> and b(<https://b.example https://b.example>))'],
    ['\\*not\\* this', 'p(*not* this)'],
    ['AT&amp;T & co', 'p(AT&amp;T & co)'],
  ])('reads %j', (text, expected) => {
    expect(outline(markdown(text))).toBe(expected);
  });

  it.each([
    '# no heading',
    '---',
    '<b>bold</b> <script>alert(1)</script>',
    '![alt](https://a.example/x.png)',
    '[run](javascript:alert(1))',
    '[file](file:///etc/passwd) [in](/settings)',
    '~~gone~~',
    '| a | b |',
    '<https://a.example',
    '[a]: b',
  ])('shows %j as it was typed, since it is not part of the subset', (text) => {
    const shown = outline(markdown(text));
    expect(shown.replace(/<https?:\S+ (\S+)>/gu, '$1')).toBe(`p(${text})`);
  });

  it('keeps every word whatever is nested in whatever', () => {
    for (const text of ['>'.repeat(4_990) + 'deep', '- '.repeat(2_000) + 'deep', '*'.repeat(4_000) + 'deep', '['.repeat(4_000) + 'deep']) {
      expect(JSON.stringify(markdown(text))).toContain('deep');
    }
  });

  it('keeps a box that could be ticked as it was typed', () => {
    expect(outline(markdown('- [ ] milk\n- eggs'))).toBe('ul(p([ ] milk)|p(eggs))');
  });
});
