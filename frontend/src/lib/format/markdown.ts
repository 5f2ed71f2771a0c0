import { Lexer, Tokenizer, type Token, type Tokens } from 'marked';
import { segments } from './segments';

/** Words, or words with a look. Text only ever reaches the page through such trees, never as HTML. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'link'; readonly href: string; readonly inside: readonly Inline[] }
  | { readonly kind: 'strong'; readonly inside: readonly Inline[] }
  | { readonly kind: 'emphasis'; readonly inside: readonly Inline[] };

/** A piece of a post that stands on lines of its own. */
export type Block =
  | { readonly kind: 'paragraph'; readonly inside: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly inside: readonly Block[] }
  | { readonly kind: 'list'; readonly start: number | null; readonly items: readonly (readonly Block[])[] };

/** Deeper than this, what is written stays as it is written. */
const DEEPEST = 6;

const none = (): undefined => undefined;

/** Knows no more of Markdown than docs/protocol.md does ("Text"): what it does not know is words. */
class Subset extends Tokenizer {
  override code = none;
  override heading = none;
  override lheading = none;
  override hr = none;
  override html = none;
  override def = none;
  override table = none;
  override tag = none;
  override reflink = none;
  override del = none;
  override autolink = none;
  override url = none;
}

/** What somebody wrote, as blocks. Whatever it is, it has a form: at worst one paragraph with all of it. */
export function markdown(text: string): Block[] {
  try {
    return blocks(new Lexer({ tokenizer: new Subset(), gfm: true, breaks: true }).lex(text), DEEPEST);
  } catch {
    // Nothing but a nesting that exhausts the parser comes here.
    return [paragraph(plain(text))];
  }
}

function paragraph(inside: readonly Inline[]): Block {
  return { kind: 'paragraph', inside };
}

function blocks(tokens: readonly Token[], depth: number): Block[] {
  return tokens.flatMap((token) => block(token as Tokens.Generic, depth));
}

function block(token: Tokens.Generic, depth: number): Block[] {
  const asWritten = () => (token.raw.trim() === '' ? [] : [paragraph(plain(token.raw.trimEnd()))]);
  if (depth === 0) return asWritten();
  switch (token.type) {
    case 'space':
      return [];
    case 'paragraph':
    case 'text':
      return [paragraph(inlines(token.tokens ?? [token], depth - 1))];
    case 'code':
      return [{ kind: 'code', text: String(token['text']) }];
    case 'blockquote':
      return [{ kind: 'quote', inside: blocks(token.tokens ?? [], depth - 1) }];
    case 'list':
      return [list(token as Tokens.List, depth - 1)];
    default:
      return asWritten();
  }
}

function list(token: Tokens.List, depth: number): Block {
  const items = token.items.map((item) => (item.task ? [paragraph(plain(withoutMark(item.raw)))] : blocks(item.tokens, depth)));
  return { kind: 'list', start: token.ordered ? Number(token.start) : null, items };
}

/** A line of a list without what makes it one. */
function withoutMark(raw: string): string {
  return raw.replace(/^\s*(?:[-*+]|\d+[.)])\s+/u, '').trimEnd();
}

function inlines(tokens: readonly Token[], depth: number): Inline[] {
  return joined(tokens.flatMap((token) => inline(token as Tokens.Generic, depth)));
}

function inline(token: Tokens.Generic, depth: number): Inline[] {
  const asWritten: Inline[] = [{ kind: 'text', text: token.raw }];
  if (depth <= 0) return asWritten;
  const inside = () => inlines(token.tokens ?? [], depth - 1);
  switch (token.type) {
    case 'text':
    case 'escape':
      return [{ kind: 'text', text: String(token['text']) }];
    case 'br':
      return [{ kind: 'break' }];
    case 'codespan':
      return [{ kind: 'code', text: String(token['text']) }];
    case 'strong':
      return [{ kind: 'strong', inside: inside() }];
    case 'em':
      return [{ kind: 'emphasis', inside: inside() }];
    case 'link': {
      const href = pageAddress(String(token['href']));
      return href === null ? asWritten : [{ kind: 'link', href, inside: inside() }];
    }
    default:
      return asWritten;
  }
}

/** Only pages are linked to: nothing that would run, open a program, or lead into this app. */
function pageAddress(text: string): string | null {
  return /^https?:\/\//iu.test(text) && URL.canParse(text) ? text : null;
}

/** Neighbouring words in one piece, and addresses in them as links. */
function joined(pieces: readonly Inline[]): Inline[] {
  const whole: Inline[] = [];
  for (const piece of pieces) {
    const last = whole.at(-1);
    if (piece.kind === 'text' && last?.kind === 'text') whole[whole.length - 1] = { kind: 'text', text: last.text + piece.text };
    else whole.push(piece);
  }
  return whole.flatMap((piece) => (piece.kind === 'text' ? plain(piece.text) : [piece]));
}

/** Words as they are, with addresses as links. */
function plain(text: string): Inline[] {
  return segments(text).map(({ text, href }) =>
    href === undefined ? { kind: 'text', text } : { kind: 'link', href, inside: [{ kind: 'text', text }] },
  );
}
