import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { Reaction } from '../api/types';
import { coloured, offered, whoReacted } from '../format/emoji';
import { deferred, fakeApi } from '../testing';
import { Reactions } from './reactions.svelte';

const place = { author: 'bob', post: 'p1' };

function reactionsOver(react: (...all: unknown[]) => Promise<void>, now = () => 0) {
  const [expects, failed] = [vi.fn(), vi.fn()];
  return { reactions: new Reactions(fakeApi({ react }), place, expects, failed, now), expects, failed };
}

const short = (reactions: Reactions) => reactions.shown.map(({ emoji, count, mine }) => `${emoji}${count}${mine ? '!' : ''}`).join(' ');

describe('reactions', () => {
  it('are set at once, and stay until the listing has them', async () => {
    const answer = deferred<void>();
    const { reactions, expects } = reactionsOver(() => answer.promise);
    reactions.arrived([{ emoji: '👍', count: 2, mine: false }]);
    const sent = reactions.toggle('👍');
    expect(short(reactions)).toBe('👍3!');
    answer.resolve();
    await sent;
    expect(expects).toHaveBeenCalledOnce();
    reactions.arrived([{ emoji: '👍', count: 2, mine: false }]);
    expect(short(reactions)).toBe('👍3!');
    reactions.arrived([{ emoji: '👍', count: 4, mine: true }]);
    expect(short(reactions)).toBe('👍4!');
    reactions.arrived([{ emoji: '👍', count: 3, mine: false }]);
    expect(short(reactions)).toBe('👍3');
  });

  it('are added beside others and go with the last who takes them back', async () => {
    const { reactions } = reactionsOver(async () => {});
    reactions.arrived([{ emoji: '👍', count: 1, mine: true }]);
    await reactions.toggle('🎉');
    expect(short(reactions)).toBe('👍1! 🎉1!');
    await reactions.toggle('👍');
    expect(short(reactions)).toBe('🎉1!');
  });

  it('are sent one after the other, the last wish last', async () => {
    const answers = [deferred<void>(), deferred<void>()];
    const react = vi.fn((..._all: unknown[]) => answers[react.mock.calls.length - 1]?.promise ?? Promise.resolve());
    const { reactions } = reactionsOver(react);
    const sent = reactions.toggle('👍');
    await reactions.toggle('👍');
    expect(react).toHaveBeenCalledOnce();
    expect(short(reactions)).toBe('');
    answers[0]?.resolve();
    answers[1]?.resolve();
    await sent;
    expect(react.mock.calls.map(([, , set]) => set)).toEqual([true, false]);
    expect(short(reactions)).toBe('');
  });

  it('fall back to what was confirmed, and say so, when they cannot be sent', async () => {
    const react = vi.fn().mockResolvedValueOnce(undefined).mockRejectedValueOnce(new ApiError('offline', 'No answer.', 0));
    const { reactions, failed } = reactionsOver(react);
    await reactions.toggle('👍');
    await reactions.toggle('👍');
    expect(failed).toHaveBeenCalledExactlyOnceWith('No answer.');
    expect(short(reactions)).toBe('👍1!');
  });

  it('believe a listing that contradicts for long enough', async () => {
    let nowMs = 0;
    const { reactions } = reactionsOver(async () => {}, () => nowMs);
    await reactions.toggle('👍');
    nowMs = 200_000;
    reactions.arrived([]);
    expect(short(reactions)).toBe('');
  });
});

describe('an emoji', () => {
  it('is drawn in colour, though deployments leave the sign for that out', () => {
    expect(coloured('❤')).toBe('❤\u{FE0F}');
    expect(coloured('❤\u{FE0F}')).toBe('❤\u{FE0F}');
    expect(coloured('👍')).toBe('👍');
    expect(coloured('👍🏽')).toBe('👍🏽');
    expect(coloured('❤\u{200D}🔥')).toBe('❤\u{FE0F}\u{200D}🔥');
    expect(offered).toHaveLength(8);
  });

  it('names who set it as far as they are known', () => {
    const people = ['alice', 'bob', 'carol'].map((name) => ({ id: name, name, friend_of: null }));
    const of = (rest: Partial<Reaction>) => whoReacted({ emoji: '👍', count: 3, mine: false, ...rest }, 'alice');
    expect(of({})).toBe('3 people');
    expect(of({ mine: true })).toBe('You and 2 others');
    expect(of({ mine: true, count: 1 })).toBe('You');
    expect(of({ mine: true, people })).toBe('You, bob, and carol');
    expect(of({ count: 3, people: people.slice(1) })).toBe('bob, carol, and 1 other');
  });
});
