import type { Api } from './api/client';
import type { Comment, Friend, Post, SessionStatus } from './api/types';

/** Makers of what the server would send, for tests. Not part of the app. */

/** An API of which only the given methods may be called. */
export function fakeApi(methods: Partial<Api>): Api {
  return methods as Api;
}

export function aPost(number: number, rest: Partial<Post> = {}): Post {
  const author = { id: 'bob', name: 'Bob' };
  return { id: `post-${number}`, author, mine: false, created_ms: number, body: { type: 'text/v1', text: `Post ${number}` }, ...rest };
}

/** Posts from the newest down to the oldest number, both included. */
export function posts(newest: number, oldest: number): Post[] {
  return Array.from({ length: newest - oldest + 1 }, (_, index) => aPost(newest - index));
}

export function aFriend(id: string, rest: Partial<Friend> = {}): Friend {
  return {
    id: `id-of-${id}`,
    identity: id,
    name: id,
    address: `https://${id}.example`,
    state: 'friends',
    greeting: null,
    verified: true,
    safety_code: '00000 11111 22222 33333 44444 55555 66666 77777',
    since_ms: 0,
    delivery: { state: 'delivered', attempts: 0, next_ms: null, problem: null },
    owed: null,
    pull: { last_ms: null, problem: null },
    muted: false,
    ...rest,
  };
}

export function aStatus(rest: Partial<SessionStatus> = {}): SessionStatus {
  const owner = { id: 'alice', identity: 'alice-key', name: 'Alice', address: 'https://alice.example' };
  return { signed_in: true, setup: 'ready', default_login: false, address: 'https://alice.example', password_reset: false, owner, ...rest };
}

/** A promise and the handles to settle it. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

export function aComment(number: number, rest: Partial<Comment> = {}): Comment {
  const author = { id: 'bob', name: 'Bob', friend_of: null };
  const body = { type: 'text/v1', text: `Comment ${number}` };
  return { id: `c${number}`, author, mine: false, parent: null, created_ms: number, edited_ms: null, body, hidden: false, state: null, ...rest };
}
