import type { Api, PostPlace } from '../api/client';
import { ApiError } from '../api/errors';
import type { Comment, CommentRef, Post, ThreadGist, ThreadPage } from '../api/types';
import { characters, limits } from '../limits';
import { uuidv7 } from '../uuidv7';
import { Acknowledged } from './acknowledged';
import type { Announcer } from './announcer.svelte';
import { Reactions } from './reactions.svelte';

/** Comments in one page. The answer to a refresh has as many. */
export const PAGE = 50;
/** The poster's deployment is asked at most this often (docs/protocol.md). */
export const ASK_EVERY_MS = 30_000;
/** While nothing comes of asking, the pause doubles up to this. */
const ASK_SELDOM_MS = 5 * 60_000;
/** While a comment of the owner's is on its way, the deployment is asked about it this soon, then less and less often. */
const RECHECK_MS = 3_000;

/** A comment on its way: shown at once, confirmed later. */
export interface UnsentComment {
  /** Names this comment to the server: however often it is sent, it is created once. */
  readonly key: string;
  readonly text: string;
  readonly parent: CommentRef | null;
  readonly state: 'sending' | 'failed';
  /** Why it failed. */
  readonly problem: string;
}

/** A comment on the post, and those that answer it. */
export interface Branch {
  readonly comment: Comment;
  readonly replies: readonly Comment[];
  readonly unsent: readonly UnsentComment[];
}

/** A comment under a name of its own: two authors may have made the same id. */
interface Entry {
  readonly id: string;
  readonly comment: Comment;
}

/** What is said under one post: reactions and comments. Comments are loaded once it is opened. */
export class PostThread {
  readonly place: PostPlace;
  /** Whether the post is the owner's: then nobody else has to be asked, and comments can be hidden. */
  readonly own: boolean;
  readonly reactions: Reactions;

  #gist = $state.raw<ThreadGist | null>(null);
  /** What was loaded here is newer than what the feed told. */
  #ahead = $state(false);
  #listing = $state.raw<readonly Entry[]>([]);
  #next: string | null = $state(null);
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Entry>;
  /** Questions are numbered: an answer that was overtaken by a later one is not shown. */
  #asked = 0;
  #taken = 0;
  #watched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastAskMs = -Infinity;
  #askEveryMs = ASK_EVERY_MS;
  #recheckMs = RECHECK_MS;

  open = $state(false);
  draft = $state('');
  /** The comment that the draft answers; null if it answers the post. */
  replyTo: Comment | null = $state.raw(null);
  unsent = $state.raw<readonly UnsentComment[]>([]);
  canComment = $state(true);
  /** Why the poster's deployment could not be asked; '' if it could. */
  unreached = $state('');
  loaded = $state(false);
  loadingMore = $state(false);
  problem = $state('');

  readonly comments: readonly Comment[] = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged
      .over(this.#listing)
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ comment }) => comment);
  });
  /** Comments in the order in which they were written, each with those that answer it. */
  readonly branches: readonly Branch[] = $derived(branches(this.comments, this.unsent));
  /** Unsent comments on the post itself, or on a comment that is not there any more. */
  readonly unsentRoots = $derived(this.unsent.filter((one) => !this.branches.some(({ unsent }) => unsent.includes(one))));
  /** Characters of the draft as they will be sent. */
  readonly used = $derived(characters(this.draft.trim()));
  readonly over = $derived(Math.max(0, this.used - limits.commentLength));
  readonly ready = $derived(this.canComment && this.used > 0 && this.over === 0);

  constructor(
    private readonly api: Api,
    private readonly announcer: Pick<Announcer, 'problem'>,
    post: Post,
    /** Something was written, so something may come of it soon. */
    private readonly expect: () => void,
    private readonly visible: () => boolean,
    private readonly now: () => number = Date.now,
  ) {
    this.place = { author: post.author.id, post: post.id };
    this.own = post.mine;
    this.#acknowledged = new Acknowledged(now, ({ comment }, { comment: before }) => comment.edited_ms !== before.edited_ms || comment.hidden !== before.hidden);
    this.reactions = new Reactions(api, this.place, expect, (sentence) => announcer.problem(sentence), now);
    this.listed(post.thread ?? null);
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** How many comments there are, as far as is known. */
  get count(): number {
    const counts = this.loaded && !this.hasMore && (this.open || this.#ahead);
    return counts ? this.comments.length : (this.#gist?.comments ?? 0);
  }

  /** The newest comment, as far as it is known. */
  get latest(): Comment | null {
    return this.#ahead && !this.hasMore ? (this.comments.findLast(({ hidden }) => !hidden) ?? null) : (this.#gist?.latest ?? null);
  }

  /** What the feed tells of it in short. */
  listed(gist: ThreadGist | null): void {
    const isNews = JSON.stringify(gist) !== JSON.stringify(this.#gist);
    this.#gist = gist;
    if (this.#watched && this.loaded) {
      if (!isNews) return;
      this.#eager();
      this.#schedule();
    } else {
      if (isNews) this.#ahead = false;
      this.reactions.arrived(gist?.reactions ?? []);
    }
  }

  /** It is on the screen: shows what is stored, then asks the poster's deployment. The returned function ends that. */
  watch(): () => void {
    this.#watched = true;
    this.#eager();
    void this.#look();
    return () => {
      this.#watched = false;
      clearTimeout(this.#timer);
    };
  }

  /** Something changed on the server. */
  async follow(): Promise<void> {
    if (this.#watched) await this.reload();
  }

  /** Reads what the deployment has stored. */
  async reload(): Promise<void> {
    await this.#read(this.api.thread(this.place, PAGE));
  }

  async loadMore(): Promise<void> {
    const after = this.#next;
    if (after === null || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.api.thread(this.place, PAGE, after);
      if (this.#next !== after) return;
      this.#listing = [...this.#listing, ...page.comments.map(entry)];
      this.#next = page.next ?? null;
      this.#acknowledged.arrived(this.#listing);
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.loadingMore = false;
    }
  }

  /** Sends the draft; resolves when it is confirmed or has visibly failed. */
  async send(): Promise<void> {
    if (!this.ready) return;
    const parent = this.replyTo === null ? null : reference(this.replyTo);
    const unsent: UnsentComment = { key: uuidv7(), text: this.draft.trim(), parent, state: 'sending', problem: '' };
    this.draft = '';
    this.replyTo = null;
    this.unsent = [...this.unsent, unsent];
    await this.#deliver(unsent);
  }

  /** Sends a comment again that the server did not confirm. */
  async resend(key: string): Promise<void> {
    const unsent = this.unsent.find((candidate) => candidate.key === key);
    if (unsent?.state !== 'failed') return;
    const again: UnsentComment = { ...unsent, state: 'sending', problem: '' };
    this.#replace(again);
    await this.#deliver(again);
  }

  discard(key: string): void {
    this.unsent = this.unsent.filter((unsent) => unsent.key !== key);
  }

  /** Tells whether it was saved. */
  async edit(comment: Comment, text: string): Promise<boolean> {
    return this.#act(async () => this.#acknowledged.wrote(entry(await this.api.editComment(this.place, comment.id, text)), entry(comment)));
  }

  async withdraw(comment: Comment): Promise<void> {
    await this.#act(async () => {
      await this.api.withdrawComment(this.place, comment.id);
      this.#acknowledged.removed(entry(comment));
      if (this.replyTo !== null && entry(this.replyTo).id === entry(comment).id) this.replyTo = null;
    });
  }

  /** Hides a comment from everybody else, or shows it again. */
  async hide(comment: Comment, hidden: boolean): Promise<void> {
    await this.#act(async () => {
      await this.api.hideComment(this.place, reference(comment), hidden);
      this.#acknowledged.wrote(entry({ ...comment, hidden }), entry(comment));
    });
  }

  async #deliver({ key, text, parent }: UnsentComment): Promise<void> {
    try {
      const comment = await this.api.comment(this.place, parent === null ? { text } : { text, parent }, key);
      this.#acknowledged.wrote(entry(comment));
      this.discard(key);
      this.#wrote();
    } catch (error) {
      this.#replace({ key, text, parent, state: 'failed', problem: ApiError.sentence(error) });
    }
  }

  async #act(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      this.#wrote();
      return true;
    } catch (error) {
      this.announcer.problem(ApiError.sentence(error));
      return false;
    }
  }

  #wrote(): void {
    this.#acknowledgements += 1;
    this.#ahead = true;
    this.#eager();
    this.#schedule();
    this.expect();
  }

  #replace(unsent: UnsentComment): void {
    this.unsent = this.unsent.map((other) => (other.key === unsent.key ? unsent : other));
  }

  async #look(): Promise<void> {
    await this.reload();
    if (this.#watched && this.#untilAskMs() === 0) await this.#ask();
  }

  /** Has the poster's deployment asked. Of the owner's own posts all is here, and is only read again. */
  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const before = JSON.stringify(this.#listing);
    this.#lastAskMs = this.now();
    await this.#read(this.own ? this.api.thread(this.place, PAGE) : this.api.refreshThread(this.place));
    this.#askEveryMs = JSON.stringify(this.#listing) === before ? Math.min(ASK_SELDOM_MS, this.#askEveryMs * 2) : ASK_EVERY_MS;
    this.#schedule();
  }

  /** Reads as much as was loaded, from the first page on. */
  async #read(first: Promise<ThreadPage>): Promise<void> {
    this.#asked += 1;
    const turn = this.#asked;
    try {
      const page = await first;
      const comments = [...page.comments];
      let next = page.next ?? null;
      while (next !== null && comments.length < this.#listing.length) {
        const more = await this.api.thread(this.place, PAGE, next);
        comments.push(...more.comments);
        next = more.next ?? null;
      }
      if (turn < this.#taken) return;
      this.#taken = turn;
      this.#take(page, comments.map(entry), next);
    } catch (error) {
      if (turn > this.#taken) this.problem = ApiError.sentence(error);
    }
  }

  #take(page: ThreadPage, comments: readonly Entry[], next: string | null): void {
    this.#acknowledged.arrived(comments);
    this.#listing = comments;
    this.#next = next;
    this.reactions.arrived(page.reactions);
    this.canComment = page.can_comment;
    this.unreached = page.problem ?? '';
    this.#ahead = true;
    this.loaded = true;
    this.problem = '';
    this.#schedule();
  }

  #untilAskMs(): number {
    return Math.max(0, this.#lastAskMs + this.#askEveryMs - this.now());
  }

  /** Something may come soon. */
  #eager(): void {
    this.#askEveryMs = ASK_EVERY_MS;
    this.#recheckMs = RECHECK_MS;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#watched) return;
    const untilAskMs = this.#untilAskMs();
    const waits = this.comments.some(({ state }) => state === 'waiting');
    this.#timer = setTimeout(() => void this.#tick(), waits ? Math.min(untilAskMs, this.#recheckMs) : untilAskMs);
  }

  async #tick(): Promise<void> {
    if (!this.visible()) {
      this.#timer = setTimeout(() => void this.#tick(), ASK_EVERY_MS);
    } else if (this.#untilAskMs() === 0) {
      await this.#ask();
    } else {
      this.#recheckMs = Math.min(ASK_SELDOM_MS, this.#recheckMs * 2);
      await this.reload();
      this.#schedule();
    }
  }
}

/** The threads of all posts that were shown: what was begun in one is still there when its post is shown again. */
export class PostThreads {
  readonly #threads = new Map<string, PostThread>();

  constructor(
    private readonly api: Api,
    private readonly announcer: Pick<Announcer, 'problem'>,
    private readonly expect: () => void,
    private readonly visible: () => boolean,
  ) {}

  of(post: Post): PostThread {
    const name = nameOf(post);
    const known = this.#threads.get(name);
    if (known !== undefined) return known;
    const thread = new PostThread(this.api, this.announcer, post, this.expect, this.visible);
    this.#threads.set(name, thread);
    return thread;
  }

  /**
   * What the feed tells of posts. Threads begin here, before anything shows them: what is derived in one that a component began
   * would end with that component.
   */
  listed(posts: readonly Post[]): void {
    for (const post of posts) this.of(post).listed(post.thread ?? null);
  }

  /** Something changed on the server. */
  async follow(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.follow()));
  }
}

function nameOf({ author, id }: Post): string {
  return `${id} ${author.id}`;
}

function entry(comment: Comment): Entry {
  return { id: `${comment.id} ${comment.author.id}`, comment };
}

/** By which another comment says that it answers this one. */
export function reference({ id, author }: Comment): CommentRef {
  return { author: author.id, id };
}

/** So far up goes the search for the comment at the top: deployments send one level, and more may be sent in bad faith. */
const MOST_LEVELS = 16;

/** There is one level of answers: what answers an answer stands beside it, and what answers nothing that is here answers the post. */
function branches(comments: readonly Comment[], unsent: readonly UnsentComment[]): Branch[] {
  const byName = new Map(comments.map((comment) => [entry(comment).id, comment]));
  const named = (parent: CommentRef | null | undefined) => (parent == null ? undefined : byName.get(`${parent.id} ${parent.author}`));
  const rootOf = (parent: CommentRef | null | undefined): Comment | undefined => {
    let found = named(parent);
    for (let level = 0; found !== undefined && level < MOST_LEVELS; level += 1) {
      const above = named(found.parent);
      if (above === undefined) return found;
      found = above;
    }
    return undefined;
  };
  const rooted = comments.map((comment) => ({ comment, root: rootOf(comment.parent) }));
  return rooted
    .filter(({ root }) => root === undefined)
    .map(({ comment }) => ({
      comment,
      replies: rooted.filter(({ root }) => root === comment).map((reply) => reply.comment),
      unsent: unsent.filter(({ parent }) => rootOf(parent) === comment),
    }));
}
