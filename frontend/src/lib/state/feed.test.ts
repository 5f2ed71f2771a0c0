import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { PostPage } from '../api/types';
import { aPost, deferred, fakeApi, posts } from '../testing';
import { Feed, mergeNewest } from './feed.svelte';

const ids = (feed: Feed) => feed.posts.map((post) => post.created_ms);

/** A feed whose server answers with the pages in turn. */
function feedWith(...pages: PostPage[]) {
  const ask = vi.fn(async () => pages.shift() ?? { posts: [], next: null });
  return { feed: new Feed(fakeApi({ feed: ask, deletePost: async () => {} })), ask };
}

describe('feed', () => {
  it('shows posts that arrive while the owner is at the top', async () => {
    const { feed } = feedWith({ posts: posts(2, 1), next: null }, { posts: posts(3, 1), next: null });
    await feed.reload();
    await feed.reload();
    expect(ids(feed)).toEqual([3, 2, 1]);
    expect(feed.fresh).toBe(0);
  });

  it('holds back and counts posts that arrive while the owner is reading', async () => {
    const { feed } = feedWith({ posts: posts(2, 1), next: null }, { posts: posts(3, 1), next: null }, { posts: posts(4, 1), next: null });
    await feed.reload();
    feed.reading = true;
    await feed.reload();
    await feed.reload();
    expect(ids(feed)).toEqual([2, 1]);
    expect(feed.fresh).toBe(2);
    feed.showFresh();
    expect(ids(feed)).toEqual([4, 3, 2, 1]);
    expect(feed.fresh).toBe(0);
  });

  it('never holds back the first page or own posts', async () => {
    const { feed } = feedWith({ posts: posts(1, 1), next: null }, { posts: [aPost(2, { mine: true }), aPost(1)], next: null });
    feed.reading = true;
    await feed.reload();
    await feed.reload();
    expect(ids(feed)).toEqual([2, 1]);
  });

  it('drops a held post that was deleted meanwhile', async () => {
    const { feed } = feedWith({ posts: posts(1, 1), next: null }, { posts: posts(2, 1), next: null }, { posts: posts(1, 1), next: null });
    await feed.reload();
    feed.reading = true;
    await feed.reload();
    await feed.reload();
    expect(feed.fresh).toBe(0);
  });

  it('shows an own post at once and once, though the listing lags behind', async () => {
    const { feed } = feedWith({ posts: posts(1, 1), next: null }, { posts: posts(1, 1), next: null }, { posts: [aPost(2, { mine: true }), aPost(1)], next: null });
    await feed.reload();
    feed.wrote(aPost(2, { mine: true }));
    expect(ids(feed)).toEqual([2, 1]);
    await feed.reload();
    expect(ids(feed)).toEqual([2, 1]);
    await feed.reload();
    expect(ids(feed)).toEqual([2, 1]);
  });

  it('keeps a deleted post away though the listing still has it', async () => {
    const { feed } = feedWith({ posts: posts(2, 1), next: null }, { posts: posts(2, 1), next: null });
    await feed.reload();
    await feed.remove(aPost(2));
    await feed.reload();
    expect(ids(feed)).toEqual([1]);
  });

  it('takes a post that is gone already for deleted', async () => {
    const api = fakeApi({
      feed: async () => ({ posts: posts(1, 1), next: null }),
      deletePost: async () => Promise.reject(new ApiError('gone', 'Gone.', 404)),
    });
    const feed = new Feed(api);
    await feed.reload();
    await feed.remove(aPost(1));
    expect(ids(feed)).toEqual([]);
  });

  it('loads older pages to the end', async () => {
    const { feed, ask } = feedWith({ posts: posts(4, 3), next: 'c3' }, { posts: posts(2, 1), next: null });
    await feed.reload();
    expect(feed.hasMore).toBe(true);
    await feed.loadMore();
    expect(ask).toHaveBeenLastCalledWith(20, 'c3');
    expect(ids(feed)).toEqual([4, 3, 2, 1]);
    expect(feed.hasMore).toBe(false);
  });

  it('lets go of an older page that a reload has overtaken', async () => {
    const slow = deferred<PostPage>();
    const pages = [Promise.resolve({ posts: posts(2, 2), next: 'c2' }), slow.promise, Promise.resolve({ posts: posts(90, 71), next: 'c71' })];
    const feed = new Feed(fakeApi({ feed: () => pages.shift() ?? slow.promise }));
    await feed.reload();
    const more = feed.loadMore();
    await feed.reload();
    slow.resolve({ posts: posts(1, 1), next: null });
    await more;
    expect(ids(feed).at(-1)).toBe(71);
    expect(feed.hasMore).toBe(true);
  });

  it('says what went wrong and lets the caller know', async () => {
    const feed = new Feed(fakeApi({ feed: async () => Promise.reject(new ApiError('offline', 'No answer.', 0)) }));
    await expect(feed.reload()).rejects.toThrow();
    expect(feed.problem).toBe('No answer.');
  });
});

describe('mergeNewest', () => {
  const numbers = (merged: { posts: { created_ms: number }[] }) => merged.posts.map((post) => post.created_ms);

  it('keeps older posts that the page reaches down to', () => {
    const merged = mergeNewest(posts(5, 1), null, { posts: posts(6, 4), next: 'c4' });
    expect(numbers(merged)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(merged.next).toBeNull();
  });

  it('drops what the page no longer names', () => {
    const page = { posts: [aPost(5), aPost(3)], next: 'c3' };
    expect(numbers(mergeNewest(posts(5, 1), 'c1', page))).toEqual([5, 3, 2, 1]);
  });

  it('starts over below the page when too much is new', () => {
    const merged = mergeNewest(posts(3, 1), null, { posts: posts(30, 21), next: 'c21' });
    expect(numbers(merged)).toEqual(numbers({ posts: posts(30, 21) }));
    expect(merged.next).toBe('c21');
  });

  it('believes a page that is the whole feed', () => {
    expect(mergeNewest(posts(5, 1), 'c1', { posts: posts(2, 2) })).toEqual({ posts: posts(2, 2), next: null });
  });
});
