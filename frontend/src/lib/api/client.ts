import createClient from 'openapi-fetch';
import { errorFromAnswer, offlineError } from './errors';
import type { paths } from './schema';
import type {
  Changes,
  Circle,
  Comment,
  CommentRef,
  ConversationList,
  ConversationPage,
  Friend,
  FriendList,
  Invitation,
  IssuedInvitation,
  Message,
  NewComment,
  NewPost,
  NoticePage,
  Post,
  PostPage,
  Profile,
  PublicPage,
  RefreshReport,
  SessionStatus,
  Settings,
  SetupRequest,
  ThreadPage,
} from './types';

/** The owner's sign-in as HTTP Basic carries it (RFC 7617). */
export interface Credentials {
  readonly userName: string;
  readonly password: string;
}

/** Which post: by the fingerprint of its author, and its id. */
export interface PostPlace {
  readonly author: string;
  readonly post: string;
}

/** What the poll of `/api/changes` brought. */
export type ChangesAnswer =
  | { readonly changed: false }
  | {
      readonly changed: true;
      readonly tag: string | null;
      readonly changes: Changes;
      /** The server's clock, in unix milliseconds to the second, if it told it. */
      readonly serverMs: number | null;
    };

/** A request may take this long: the host ends handlers after 30 s. */
const TIMEOUT_MS = 35_000;

/**
 * The only file that talks to the deployment. Every method returns what was asked for or throws an `ApiError`.
 */
export class Api {
  /** Called when a request by session cookie is answered with 401: the session is over. */
  onSignedOut: () => void = () => {};

  readonly #client;
  readonly #fetch;
  readonly #baseUrl;

  constructor(fetch: (request: Request) => Promise<Response> = (request) => globalThis.fetch(request), baseUrl = globalThis.location?.origin ?? '') {
    this.#fetch = fetch;
    this.#baseUrl = baseUrl;
    this.#client = createClient<paths>({ baseUrl, fetch });
  }

  session(): Promise<SessionStatus> {
    return this.#ask(this.#client.GET('/api/session', options()));
  }

  signIn(credentials: Credentials): Promise<SessionStatus> {
    return this.#ask(this.#client.POST('/api/session', options({ headers: basic(credentials) })), 'basic');
  }

  async signOut(): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/session', options()));
  }

  setUp(credentials: Credentials, body: SetupRequest): Promise<SessionStatus> {
    return this.#ask(this.#client.POST('/api/setup', options({ headers: basic(credentials), body })), 'basic');
  }

  changePassword(password: string): Promise<SessionStatus> {
    return this.#ask(this.#client.PUT('/api/password', options({ body: { password } })));
  }

  profile(): Promise<Profile> {
    return this.#ask(this.#client.GET('/api/profile', options()));
  }

  saveProfile(name: string, bio: string): Promise<Profile> {
    return this.#ask(this.#client.PUT('/api/profile', options({ body: { name, bio } })));
  }

  feed(limit: number, before?: string): Promise<PostPage> {
    const query = before === undefined ? { limit } : { limit, before };
    return this.#ask(this.#client.GET('/api/feed', options({ params: { query } })));
  }

  refresh(scope: 'all' | 'due'): Promise<RefreshReport> {
    return this.#ask(this.#client.POST('/api/feed/refresh', options({ body: { scope } })));
  }

  /** Sending the same post again with the same key creates it once. */
  createPost(post: NewPost, idempotencyKey: string): Promise<Post> {
    return this.#ask(this.#client.POST('/api/posts', options({ body: post, headers: { 'Idempotency-Key': idempotencyKey } })));
  }

  /** Another edition of a post. Whom it is for stays as it is unless that is given. */
  editPost(id: string, edition: NewPost): Promise<Post> {
    return this.#ask(this.#client.PUT('/api/posts/{id}', options({ params: { path: { id } }, body: edition })));
  }

  async deletePost(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/posts/{id}', options({ params: { path: { id } } })));
  }

  /** What there is under a post, as far as the deployment knows: a page of it, oldest comment first. */
  thread(place: PostPlace, limit: number, after?: string): Promise<ThreadPage> {
    const query = after === undefined ? { limit } : { limit, after };
    return this.#ask(this.#client.GET('/api/posts/{author}/{post}/thread', options({ params: { path: { ...place }, query } })));
  }

  /** Has the poster's deployment asked, unless it was within the last 30 s, and gives the first page. */
  refreshThread(place: PostPlace): Promise<ThreadPage> {
    return this.#ask(this.#client.POST('/api/posts/{author}/{post}/thread/refresh', options({ params: { path: { ...place } } })));
  }

  /** Sending the same comment again with the same key creates it once. */
  comment(place: PostPlace, comment: NewComment, idempotencyKey: string): Promise<Comment> {
    const headers = { 'Idempotency-Key': idempotencyKey };
    return this.#ask(this.#client.POST('/api/posts/{author}/{post}/comments', options({ params: { path: { ...place } }, body: comment, headers })));
  }

  editComment(place: PostPlace, comment: string, text: string): Promise<Comment> {
    const params = { path: { ...place, comment } };
    return this.#ask(this.#client.PUT('/api/posts/{author}/{post}/comments/{comment}', options({ params, body: { text } })));
  }

  async withdrawComment(place: PostPlace, comment: string): Promise<void> {
    const params = { path: { ...place, comment } };
    await this.#ask(this.#client.DELETE('/api/posts/{author}/{post}/comments/{comment}', options({ params })));
  }

  /** Hides a comment under one's own post from everybody else, or shows it again. */
  async hideComment(place: PostPlace, comment: CommentRef, hidden: boolean): Promise<void> {
    const params = { path: { ...place } };
    await this.#ask(this.#client.PUT('/api/posts/{author}/{post}/hidden', options({ params, body: { comment, hidden } })));
  }

  /** Sets or unsets an emoji of one's own. */
  async react(place: PostPlace, emoji: string, set: boolean): Promise<void> {
    const params = { path: { ...place } };
    await this.#ask(this.#client.PUT('/api/posts/{author}/{post}/reactions', options({ params, body: { emoji, set } })));
  }

  conversations(limit: number, before?: string): Promise<ConversationList> {
    const query = before === undefined ? { limit } : { limit, before };
    return this.#ask(this.#client.GET('/api/conversations', options({ params: { query } })));
  }

  conversation(id: string, limit: number, before?: string): Promise<ConversationPage> {
    const query = before === undefined ? { limit } : { limit, before };
    return this.#ask(this.#client.GET('/api/conversations/{id}/messages', options({ params: { path: { id }, query } })));
  }

  /** Sending the same message again with the same key creates it once. */
  sendMessage(id: string, text: string, idempotencyKey: string): Promise<Message> {
    const headers = { 'Idempotency-Key': idempotencyKey };
    return this.#ask(this.#client.POST('/api/conversations/{id}/messages', options({ params: { path: { id } }, body: { text }, headers })));
  }

  editMessage(id: string, message: string, text: string): Promise<Message> {
    const params = { path: { id, message } };
    return this.#ask(this.#client.PUT('/api/conversations/{id}/messages/{message}', options({ params, body: { text } })));
  }

  async withdrawMessage(id: string, message: string): Promise<void> {
    const params = { path: { id, message } };
    await this.#ask(this.#client.DELETE('/api/conversations/{id}/messages/{message}', options({ params })));
  }

  /** Notes that everything up to a message was read. */
  async readConversation(id: string, through: string): Promise<void> {
    await this.#ask(this.#client.PUT('/api/conversations/{id}/read', options({ params: { path: { id } }, body: { through } })));
  }

  async clearConversation(id: string, clearFor: 'me' | 'both'): Promise<void> {
    await this.#ask(this.#client.POST('/api/conversations/{id}/clear', options({ params: { path: { id } }, body: { for: clearFor } })));
  }

  /** Tells the friend at once, whenever that would be tried again. */
  retryConversation(id: string): Promise<RefreshReport> {
    return this.#ask(this.#client.POST('/api/conversations/{id}/retry', options({ params: { path: { id } } })));
  }

  friends(): Promise<FriendList> {
    return this.#ask(this.#client.GET('/api/friends', options()));
  }

  async block(id: string): Promise<void> {
    await this.#ask(this.#client.PUT('/api/friends/{id}/block', options({ params: { path: { id } } })));
  }

  async unblock(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/friends/{id}/block', options({ params: { path: { id } } })));
  }

  async mute(id: string): Promise<void> {
    await this.#ask(this.#client.PUT('/api/friends/{id}/mute', options({ params: { path: { id } } })));
  }

  async unmute(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/friends/{id}/mute', options({ params: { path: { id } } })));
  }

  async circles(): Promise<Circle[]> {
    return (await this.#ask(this.#client.GET('/api/circles', options()))).circles;
  }

  /** Sending the same again with the same key makes the circle once. */
  createCircle(name: string, idempotencyKey: string): Promise<Circle> {
    return this.#ask(this.#client.POST('/api/circles', options({ body: { name }, headers: { 'Idempotency-Key': idempotencyKey } })));
  }

  renameCircle(id: string, name: string): Promise<Circle> {
    return this.#ask(this.#client.PUT('/api/circles/{id}', options({ params: { path: { id } }, body: { name } })));
  }

  async deleteCircle(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/circles/{id}', options({ params: { path: { id } } })));
  }

  putIntoCircle(id: string, member: string): Promise<Circle> {
    return this.#ask(this.#client.PUT('/api/circles/{id}/members/{member}', options({ params: { path: { id, member } } })));
  }

  takeOutOfCircle(id: string, member: string): Promise<Circle> {
    return this.#ask(this.#client.DELETE('/api/circles/{id}/members/{member}', options({ params: { path: { id, member } } })));
  }

  async invitations(): Promise<Invitation[]> {
    return (await this.#ask(this.#client.GET('/api/invitations', options()))).invitations;
  }

  invite(note: string, days: number): Promise<IssuedInvitation> {
    const body = note === '' ? { days } : { note, days };
    return this.#ask(this.#client.POST('/api/invitations', options({ body })));
  }

  async revokeInvitation(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/invitations/{id}', options({ params: { path: { id } } })));
  }

  settings(): Promise<Settings> {
    return this.#ask(this.#client.GET('/api/settings', options()));
  }

  /** Changes the settings that are given. */
  choose(settings: Partial<Settings>): Promise<Settings> {
    return this.#ask(this.#client.PUT('/api/settings', options({ body: settings })));
  }

  /** Whose deployment this is, as it tells anybody (docs/protocol.md); '' if it does not say. */
  async nameHere(): Promise<string> {
    const request = new Request(new URL('/.well-known/tidings', this.#baseUrl), options());
    const answer = await answered(this.#fetch(request).then(async (response) => ({ response, data: (await response.json()) as unknown })));
    const name: unknown = answer.response.ok ? (answer.data as { name?: unknown }).name : '';
    return typeof name === 'string' ? name : '';
  }

  /** A page of what the owner wrote for everybody, which needs no sign-in (docs/protocol.md). */
  async publicPosts(before: string | null): Promise<PublicPage> {
    const url = new URL('/p2p/v1/public', this.#baseUrl);
    if (before !== null) url.searchParams.set('before', before);
    // One's own browser is not to show what is public no longer; who comes by again is answered with 304.
    const request = new Request(url, { ...options(), cache: 'no-cache', credentials: 'omit' });
    const answer = await answered(this.#fetch(request).then(async (response) => ({ response, data: (await response.json()) as unknown })));
    return this.#unwrap({ response: answer.response, data: answer.data as PublicPage, error: answer.data }, 'basic');
  }

  /** `created` is false when there was a request or friendship already. */
  async befriend(address: string, greeting: string): Promise<{ friend: Friend; created: boolean }> {
    const body = greeting === '' ? { address } : { address, greeting };
    const answer = this.#client.POST('/api/friends', options({ body }));
    const friend = await this.#ask(answer);
    return { friend, created: (await answer).response.status === 201 };
  }

  accept(id: string): Promise<Friend> {
    return this.#ask(this.#client.POST('/api/friends/{id}/accept', options({ params: { path: { id } } })));
  }

  /** Withdraws, declines or ends, by the state that the friendship is in. */
  async removeFriend(id: string): Promise<void> {
    await this.#ask(this.#client.DELETE('/api/friends/{id}', options({ params: { path: { id } } })));
  }

  notices(limit: number, before?: string): Promise<NoticePage> {
    const query = before === undefined ? { limit } : { limit, before };
    return this.#ask(this.#client.GET('/api/notifications', options({ params: { query } })));
  }

  /** Marks a notification, and all before it, as read. Tells how many stay unread. */
  async readNotices(upTo: string): Promise<number> {
    return (await this.#ask(this.#client.PUT('/api/notifications/read', options({ body: { up_to: upTo } })))).unread;
  }

  /** Asks whether anything changed since the answer that carried `tag`. */
  async changes(tag: string | null): Promise<ChangesAnswer> {
    const headers: Record<string, string> = tag === null ? {} : { 'If-None-Match': tag };
    const answer = await answered(this.#client.GET('/api/changes', options({ headers })));
    if (answer.response.status === 304) return { changed: false };
    const { headers: told } = answer.response;
    const serverMs = Date.parse(told.get('Date') ?? '');
    return {
      changed: true,
      tag: told.get('ETag'),
      changes: this.#unwrap(answer, 'cookie'),
      serverMs: Number.isNaN(serverMs) ? null : serverMs,
    };
  }

  async #ask<T>(request: Promise<Answer<T>>, login: 'cookie' | 'basic' = 'cookie'): Promise<T> {
    return this.#unwrap(await answered(request), login);
  }

  #unwrap<T>(answer: Answer<T>, login: 'cookie' | 'basic'): T {
    const { response, data, error } = answer;
    if (response.ok) return data as T;
    const failure = errorFromAnswer(response.status, error, response.headers.get('Retry-After'));
    if (failure.kind === 'signed_out' && login === 'cookie') this.onSignedOut();
    throw failure;
  }
}

interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** Every request gets a time limit, whatever else it carries. */
function options<T extends object>(rest?: T): T & { signal: AbortSignal } {
  return { ...(rest as T), signal: AbortSignal.timeout(TIMEOUT_MS) };
}

/** Whatever keeps an answer from arriving, or arriving whole, counts as being offline. */
async function answered<T>(request: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await request;
  } catch {
    throw offlineError();
  }
}

/** RFC 7617 with UTF-8: `btoa` takes one character per byte. */
function basic({ userName, password }: Credentials): { Authorization: string } {
  const bytes = new TextEncoder().encode(`${userName}:${password}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}
