import { describe, expect, it, vi } from 'vitest';
import { Api } from './client';
import { ApiError } from './errors';

/** An API whose requests are answered by the given function. */
function apiAnswering(answer: (request: Request) => Response | Promise<Response>): Api {
  return new Api(async (request) => answer(request), 'http://127.0.0.1:3000');
}

const problem = (status: number, detail?: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ type: 'about:blank', title: 'No', status, detail }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  });

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('api errors', () => {
  it('shows what the server says about input that it refused', async () => {
    const error = await failure(apiAnswering(() => problem(422, 'That is your own address.')).befriend('x', ''));
    expect(error).toMatchObject({ kind: 'invalid', message: 'That is your own address.', status: 422 });
  });

  it.each([
    [401, 'signed_out'],
    [404, 'gone'],
    [409, 'conflict'],
    [413, 'too_large'],
    [429, 'too_many'],
    [500, 'internal'],
    [502, 'friend_unreachable'],
    [503, 'unavailable'],
  ])('names the kind of status %i', async (status, kind) => {
    expect(await failure(apiAnswering(() => problem(status)).friends())).toMatchObject({ kind, status });
  });

  it('never shows what an internal error says', async () => {
    const error = await failure(apiAnswering(() => problem(500, 'panicked at store.rs')).friends());
    expect(error.message).not.toContain('store.rs');
  });

  it('tells how long to wait', async () => {
    const error = await failure(apiAnswering(() => problem(429, undefined, { 'Retry-After': '12' })).friends());
    expect(error.retryAfterMs).toBe(12_000);
    expect(error.message).toContain('12 seconds');
  });

  it('takes a page that is no problem document for what its status says', async () => {
    const api = apiAnswering(() => new Response('<html>Bad gateway</html>', { status: 502, headers: { 'Content-Type': 'text/html' } }));
    expect(await failure(api.friends())).toMatchObject({ kind: 'friend_unreachable' });
  });

  it('counts a broken connection as being offline', async () => {
    const api = apiAnswering(() => Promise.reject(new TypeError('Failed to fetch')));
    expect(await failure(api.friends())).toMatchObject({ kind: 'offline', status: 0 });
  });

  it('counts an answer that is cut off as being offline', async () => {
    const api = apiAnswering(() => new Response('{"friends": [', { headers: { 'Content-Type': 'application/json' } }));
    expect(await failure(api.friends())).toMatchObject({ kind: 'offline' });
  });
});

describe('api client', () => {
  it('reports the end of a session, but not a wrong password', async () => {
    const api = apiAnswering(() => problem(401));
    api.onSignedOut = vi.fn();
    await failure(api.signIn({ userName: 'admin', password: 'wrong' }));
    expect(api.onSignedOut).not.toHaveBeenCalled();
    await failure(api.friends());
    expect(api.onSignedOut).toHaveBeenCalledOnce();
  });

  it('sends credentials as UTF-8', async () => {
    let header: string | null = null;
    const api = apiAnswering((request) => {
      header = request.headers.get('Authorization');
      return problem(401);
    });
    await failure(api.signIn({ userName: 'admin', password: 'größe €' }));
    expect(Buffer.from((header ?? '').slice('Basic '.length), 'base64').toString('utf8')).toBe('admin:größe €');
  });

  it('sends the key that makes a post repeatable', async () => {
    let key: string | null = null;
    const api = apiAnswering((request) => {
      key = request.headers.get('Idempotency-Key');
      return Response.json({ id: 'p' }, { status: 201 });
    });
    await api.createPost({ text: 'Hello' }, 'the-key');
    expect(key).toBe('the-key');
  });

  it('asks for changes by tag and understands that there are none', async () => {
    const asked: (string | null)[] = [];
    const api = apiAnswering((request) => {
      asked.push(request.headers.get('If-None-Match'));
      if (asked.length > 1) return new Response(null, { status: 304 });
      return Response.json({ feed: 'f', friends: 'r', profile: 'p', dirty: 0 }, { headers: { ETag: '"1"', Date: 'Thu, 01 Jan 1970 00:00:07 GMT' } });
    });
    expect(await api.changes(null)).toMatchObject({ changed: true, tag: '"1"', changes: { feed: 'f' }, serverMs: 7000 });
    expect(await api.changes('"1"')).toEqual({ changed: false });
    expect(asked).toEqual([null, '"1"']);
  });

  it('tells a new request from one that existed', async () => {
    let status = 201;
    const api = apiAnswering(() => Response.json({ id: 'bob' }, { status }));
    expect(await api.befriend('bob.example', 'Hi')).toMatchObject({ created: true });
    status = 200;
    expect(await api.befriend('bob.example', 'Hi')).toMatchObject({ created: false });
  });

  it('accepts answers without a body', async () => {
    await expect(apiAnswering(() => new Response(null, { status: 204 })).deletePost('p')).resolves.toBeUndefined();
  });
});

describe('what is said under posts', () => {
  it('goes to the post it is about, comments under a key of their own', async () => {
    const asked: string[] = [];
    const api = apiAnswering(async (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push([request.method, pathname + search, await request.text(), request.headers.get('Idempotency-Key') ?? ''].join(' ').trim());
      return request.method === 'DELETE' || /hidden|reactions/u.test(pathname) ? new Response(null, { status: 204 }) : Response.json({});
    });
    const place = { author: 'bob', post: 'p1' };
    await api.thread(place, 50, 'c1.bob');
    await api.refreshThread(place);
    await api.comment(place, { text: 'Hello', parent: { id: 'c1', author: 'carol' } }, 'key');
    await api.editComment(place, 'c2', 'Hi');
    await api.withdrawComment(place, 'c2');
    await api.hideComment(place, { id: 'c1', author: 'carol' }, true);
    await api.react(place, '👍', false);
    expect(asked).toEqual([
      'GET /api/posts/bob/p1/thread?limit=50&after=c1.bob',
      'POST /api/posts/bob/p1/thread/refresh',
      'POST /api/posts/bob/p1/comments {"text":"Hello","parent":{"id":"c1","author":"carol"}} key',
      'PUT /api/posts/bob/p1/comments/c2 {"text":"Hi"}',
      'DELETE /api/posts/bob/p1/comments/c2',
      'PUT /api/posts/bob/p1/hidden {"comment":{"id":"c1","author":"carol"},"hidden":true}',
      'PUT /api/posts/bob/p1/reactions {"emoji":"👍","set":false}',
    ]);
  });
});
