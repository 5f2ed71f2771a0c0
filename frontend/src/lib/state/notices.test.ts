import { describe, expect, it, vi } from 'vitest';
import type { Notice, NoticePage } from '../api/types';
import { fakeApi } from '../testing';
import { Notices, grouped, isAlarm, sentence, summary } from './notices.svelte';

function aNotice(number: number, rest: Partial<Notice> = {}): Notice {
  const event = { kind: 'friend_request', friend: { id: 'bob', name: 'Bob' } } as const;
  return { id: `n${number}`, created_ms: number, read: false, group: 'requests', event, ...rest };
}

function noticesOf(page: NoticePage) {
  const notices = vi.fn(async (_limit: number, before?: string) => (before === undefined ? page : { notifications: [aNotice(1)], next: null, unread: 0 }));
  const readNotices = vi.fn(async () => 0);
  const unread = vi.fn();
  return { list: new Notices(fakeApi({ notices, readNotices }), unread), notices, readNotices, unread };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('notices', () => {
  it('are read once they are on the screen, and stay marked as new while it is open', async () => {
    const { list, readNotices, unread } = noticesOf({ notifications: [aNotice(3), aNotice(2)], next: 'n2', unread: 2 });
    list.open();
    await settled();
    expect(readNotices).toHaveBeenCalledExactlyOnceWith('n3');
    expect(unread).toHaveBeenCalledExactlyOnceWith(0);
    expect(list.list.map((notice) => notice.read)).toEqual([false, false]);
    await list.loadMore();
    expect(list.list.map((notice) => notice.id)).toEqual(['n3', 'n2', 'n1']);
    expect(list.hasMore).toBe(false);
  });

  it('are not asked for while nobody looks', async () => {
    const { list, notices } = noticesOf({ notifications: [], next: null, unread: 0 });
    await list.follow();
    const leave = list.open();
    leave();
    await list.follow();
    expect(notices).toHaveBeenCalledOnce();
  });

  it('that belong together and follow each other are told as one', () => {
    const by = (number: number, name: string, kind: 'message' | 'friend_request') =>
      aNotice(number, { group: kind === 'message' ? 'messages' : 'requests', event: { kind, friend: { id: name, name } } });
    const list = [by(9, 'Bob', 'message'), by(8, 'Cem', 'message'), by(7, 'Dana', 'message'), by(6, 'Eve', 'friend_request'), by(5, 'Ann', 'message')];
    const groups = grouped(list);
    expect(groups.map((group) => group.notices.map((notice) => notice.id))).toEqual([['n9', 'n8', 'n7'], ['n6'], ['n5']]);
    expect(groups.map(summary)).toEqual(['Bob and 2 others wrote to you.', 'Eve wants to be friends.', 'Ann wrote to you.']);
    expect(groups[0]?.key, 'a newer one does not make it another group').toBe(grouped([by(10, 'Gil', 'message'), ...list])[0]?.key);
    const friend = { id: 'bob', name: 'Bob' };
    const moved = { kind: 'friend_moved', friend, from: 'https://a.example', address: 'https://b.example' } as const;
    const about = grouped([aNotice(2, { group: 'friend/bob', event: moved }), aNotice(1, { group: 'friend/bob', event: { kind: 'friend_rekeyed', friend, serial: 1 } })]);
    expect(about.map(summary)).toEqual(['2 notices about Bob.']);
    const alarm = { group: 'x', event: { kind: 'superseded', serial: 1, address: 'https://b.example' } } as const;
    expect(grouped([aNotice(2, alarm), aNotice(1, alarm)]), 'alarms stand for themselves').toHaveLength(2);
    expect(grouped([])).toEqual([]);
  });

  it('have a sentence each, and alarms stand out', () => {
    const friend = { id: 'bob', name: 'Bob' };
    expect(sentence(aNotice(1))).toContain('Bob');
    const moved = aNotice(1, { event: { kind: 'friend_moved', friend, from: 'https://a.example', address: 'https://b.example' } });
    expect(sentence(moved)).toContain('https://b.example');
    const alarm = aNotice(1, { event: { kind: 'certificate_conflict', friend, serial: 1 } });
    expect([isAlarm(alarm), isAlarm(moved)]).toEqual([true, false]);
    expect(sentence(aNotice(1, { event: { kind: 'unknown' } }))).not.toBe('');
  });

  it('tell what others said about posts, also in forms that a later deployment gives them', () => {
    const [friend, carol] = [{ id: 'bob', name: 'Bob' }, { id: 'carol', name: 'Carol' }];
    const of = (event: object) => sentence(aNotice(1, { event: event as Notice['event'] }));
    expect(of({ kind: 'comment', friend, post: 'p', comment: 'c' })).toBe('Bob commented on your post.');
    expect(of({ kind: 'reaction', friend, post: 'p', emoji: '❤' })).toBe('Bob reacted to your post with ❤\u{FE0F}.');
    expect(of({ kind: 'reaction', friend, post: 'p', sticker: 7 })).toBe('Bob reacted to your post.');
    expect(of({ kind: 'reply', author: carol, poster: friend, post: 'p' })).toBe('Carol also commented on the post of Bob.');
    expect(of({ kind: 'reply', author: friend, poster: friend, post: 'p' })).toBe('Bob also commented on their own post.');
    expect(of({ kind: 'comment', post: 'p' })).toContain('newer version');
  });

  it('sum up what was said about one post', () => {
    const [bob, carol] = [{ id: 'bob', name: 'Bob' }, { id: 'carol', name: 'Carol' }];
    const comment = (number: number, friend: object) => aNotice(number, { group: 'post/p', event: { kind: 'comment', friend, post: 'p', comment: `c${number}` } as Notice['event'] });
    const reaction = (number: number, friend: object) => aNotice(number, { group: 'post/p', event: { kind: 'reaction', friend, post: 'p', emoji: '❤' } as Notice['event'] });
    const summed = (...list: Notice[]) => grouped(list).map(summary);
    expect(summed(comment(3, bob), comment(2, carol))).toEqual(['Bob and Carol commented on your post.']);
    expect(summed(comment(3, bob), reaction(2, bob))).toEqual(['Bob commented on your post, and reacted to it.']);
    expect(summed(reaction(3, bob), reaction(2, carol))).toEqual(['Bob and Carol reacted to your post.']);
  });
});
