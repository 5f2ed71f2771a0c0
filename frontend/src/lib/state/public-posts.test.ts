import { describe, expect, it, vi } from 'vitest';
import type { PublicPage } from '../api/types';
import { Api } from '../api/client';
import { recordTime } from '../format/record-time';
import { fakeApi } from '../testing';
import { PublicPosts } from './public-posts.svelte';
import { Router } from './router.svelte';

function aPage(ids: readonly string[], next?: string): PublicPage {
  const posts = ids.map((id) => ({ type: 'tidings/post/v1', id, author: 'a', key: 'k', body: { type: 'text/v1', text: id }, signature: 's' }));
  const certificate = { type: 'tidings/certificate/v1', identity: 'a', key: 'k', address: 'https://alice.example', serial: 1, signature: 's' };
  return { certificate, name: 'Alice', posts, ...(next === undefined ? {} : { next }) };
}

describe('public posts', () => {
  it('are loaded page by page', async () => {
    const publicPosts = vi.fn().mockResolvedValueOnce(aPage(['c', 'b'], 'b')).mockRejectedValueOnce(new Error('offline')).mockResolvedValueOnce(aPage(['a']));
    const page = new PublicPosts(fakeApi({ publicPosts }));
    await page.load();
    expect([page.name, page.hasMore]).toEqual(['Alice', true]);
    await page.load();
    expect([page.posts.length, page.problem === ''], 'what is there stays').toEqual([2, false]);
    await page.load();
    expect(page.posts.map((post) => post.id)).toEqual(['c', 'b', 'a']);
    expect([page.hasMore, page.problem]).toEqual([false, '']);
    expect(publicPosts.mock.calls).toEqual([[null], ['b'], ['b']]);
  });

  it('are asked for without the session', async () => {
    const fetch = vi.fn(async (_: Request) => new Response(JSON.stringify(aPage([]))));
    await new Api(fetch, 'https://alice.example').publicPosts('06gc8k3c06b0njh3m4uc7jqc98');
    const request = fetch.mock.calls[0]?.[0];
    expect(request?.url).toBe('https://alice.example/p2p/v1/public?before=06gc8k3c06b0njh3m4uc7jqc98');
    expect(request?.credentials).toBe('omit');
  });

  it('tell their time by their id', () => {
    expect(recordTime('06gc8k3c000000000000000000')).toBe(1_790_000_000_000);
  });

  it('have a page of their own', () => {
    const location = { pathname: '/public', hash: '', origin: 'https://alice.example' };
    const pushState = vi.fn();
    const window = { location, history: { pushState }, scrollTo: () => {} } as unknown as ConstructorParameters<typeof Router>[0];
    const router = new Router(window);
    expect(router.visiting).toBe(true);
    router.open('/');
    expect([router.visiting, router.screen]).toEqual([false, 'feed']);
    router.visit();
    expect(router.visiting).toBe(true);
    expect(pushState.mock.calls.map((call) => call[2] as string)).toEqual(['/', '/public']);
  });
});
