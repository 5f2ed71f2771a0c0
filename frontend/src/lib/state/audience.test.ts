import { describe, expect, it, vi } from 'vitest';
import type { Circle } from '../api/types';
import { audienceSentence, readers } from '../format/audience';
import { aFriend, aPost, fakeApi } from '../testing';
import { Announcer } from './announcer.svelte';
import { Circles } from './circles.svelte';
import { Draft } from './draft.svelte';
import { Feed } from './feed.svelte';

const friends = ['Ann', 'Bob', 'Cem', 'Dana', 'Eve'].map((name) => aFriend(name));
const id = (name: string) => `id-of-${name}`;
const choir: Circle = { id: 'choir', name: 'Choir', members: [id('Bob'), id('Cem')] };

describe('who sees a post', () => {
  it.each([
    [null, 5, 'All your friends will see this.'],
    [{ to: 'public' as const }, 5, 'Everybody can see this: your friends, and anybody who opens your address.'],
    [{ to: 'friends' as const, except: [id('Bob')] }, 4, 'All your friends but Bob will see this.'],
    [{ to: 'chosen' as const, circles: ['choir'], friends: [id('Ann')] }, 3, 'Only Ann, Bob, and Cem will see this.'],
    [{ to: 'chosen' as const, circles: ['choir'], except: [id('Bob')] }, 1, 'Only Cem will see this.'],
    [{ to: 'chosen' as const, friends: friends.map((friend) => friend.id) }, 5, 'Only 5 of your friends will see this.'],
    [{ to: 'chosen' as const, circles: ['gone'] }, 0, 'Nobody but you sees this as it stands.'],
  ])('is said in words for %j', (audience, count, sentence) => {
    expect(readers(audience, [choir], friends)).toHaveLength(count);
    expect(audienceSentence(audience, [choir], friends)).toBe(sentence);
  });
});

describe('draft', () => {
  it('sends no more than what was chosen', () => {
    const draft = new Draft();
    draft.text = ' Hello ';
    expect(draft.post()).toEqual({ text: 'Hello' });
    draft.warned = true;
    draft.warning = ' loud ';
    draft.toggle('except', 'bob');
    expect(draft.post()).toEqual({ text: 'Hello', warning: 'loud', audience: { to: 'friends', except: ['bob'] } });
    draft.toggle('except', 'bob');
    expect(draft.audience).toBeNull();
  });

  it('is not ready for nobody, nor with too long a warning', () => {
    const draft = new Draft();
    draft.text = 'Hello';
    draft.reach = 'chosen';
    expect([draft.ready, draft.toNobody]).toEqual([false, true]);
    draft.toggle('circles', 'choir');
    expect(draft.ready).toBe(true);
    draft.warned = true;
    draft.warning = 'x'.repeat(201);
    expect(draft.ready).toBe(false);
  });

  it('is for everybody only once', () => {
    const draft = new Draft();
    draft.text = 'Hello';
    draft.toggle('except', 'bob');
    draft.reach = 'public';
    expect(draft.post()).toEqual({ text: 'Hello', audience: { to: 'public' } });
    expect(Draft.of(aPost(1, { audience: { to: 'public' } })).audience).toEqual({ to: 'public' });
    draft.clear();
    expect(draft.audience).toEqual({ to: 'friends', except: ['bob'] });
  });

  it('begins an edition with all that the post is', () => {
    const audience = { to: 'chosen' as const, circles: ['choir'], friends: [], except: ['eve'] };
    const draft = Draft.of(aPost(1, { body: { type: 'text/v1', text: 'Hi', warning: 'loud' }, audience }));
    expect(draft.post()).toEqual({ text: 'Hi', warning: 'loud', audience });
  });
});

describe('feed', () => {
  it('shows an edition at once and until the listing has it', async () => {
    const before = aPost(1, { mine: true });
    const after = aPost(1, { mine: true, edited_ms: 5, body: { type: 'text/v1', text: 'Better' } });
    const listing = vi.fn(async () => ({ posts: [before], next: null }));
    const feed = new Feed(fakeApi({ feed: listing, editPost: async () => after }));
    await feed.reload();
    await feed.edit(before, { text: 'Better' });
    expect(feed.posts).toEqual([after]);
    await feed.reload();
    expect(feed.posts, 'a listing that lags behind').toEqual([after]);
    const later = { ...after, edited_ms: 9 };
    listing.mockResolvedValue({ posts: [later], next: null });
    await feed.reload();
    expect(feed.posts).toEqual([later]);
  });
});

describe('circles', () => {
  it('are made once, filled, and deleted', async () => {
    const createCircle = vi.fn().mockRejectedValueOnce(new Error('offline')).mockResolvedValueOnce({ ...choir, members: [] });
    const api = fakeApi({
      circles: async () => [],
      createCircle,
      putIntoCircle: async () => ({ ...choir, members: [id('Bob')] }),
      deleteCircle: async () => {},
    });
    const circles = new Circles(api, new Announcer());
    await circles.open();
    circles.name = ' Choir ';
    await circles.make();
    expect([circles.list, circles.name]).toEqual([[], ' Choir ']);
    await circles.make();
    expect(createCircle.mock.calls[1]).toEqual(createCircle.mock.calls[0]);
    const made = circles.list[0];
    if (made === undefined) throw new Error('it is there');
    await circles.toggle(made, aFriend('Bob'));
    expect(circles.list[0]?.members).toEqual([id('Bob')]);
    await circles.remove(circles.list[0] ?? made);
    expect(circles.list).toEqual([]);
  });
});
