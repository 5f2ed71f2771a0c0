import type { Reaction } from '../api/types';
import { texts } from '../texts';

/** More names than these are only counted. */
const MOST_NAMES = 10;

/** What is offered at a press of a button; any other emoji that friends set can be joined. */
export const offered = ['👍', '❤', '😂', '🎉', '😮', '😢', '🙏', '🔥'] as const;

/**
 * An emoji as it is drawn. Deployments leave out the sign that asks for the coloured form (U+FE0F), so that the same emoji
 * from two keyboards is one; it goes back in after those characters that fonts would draw as plain signs otherwise.
 */
export function coloured(emoji: string): string {
  return emoji.replace(/^(?!\p{Emoji_Presentation})(\p{Emoji})(?!\u{FE0F})/u, '$1\u{FE0F}');
}

/** Who set an emoji, in words: by name as far as they are known. */
export function whoReacted({ count, mine, people = [] }: Reaction, ownerId: string): string {
  const t = texts.thread;
  const others = people.filter(({ id }) => id !== ownerId).slice(0, MOST_NAMES);
  if (others.length === 0) return mine ? t.peopleAndYou(count - 1) : t.people(count);
  const names = [...(mine ? [t.you] : []), ...others.map(({ name }) => name)];
  return t.named(names, Math.max(0, count - names.length));
}
