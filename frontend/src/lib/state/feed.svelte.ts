import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { NewPost, Post, PostPage } from '../api/types';
import { Acknowledged } from './acknowledged';
import { mergeNewest as mergeListed } from './merge-newest';

/** Posts in one page: enough to fill a tall screen. */
export const PAGE = 20;
/** The most that the server gives at once. */
const MOST = 100;

/** The owner's and friends' posts, newest first. */
export class Feed {
  /** What has been listed so far, newest first, held-back posts included. */
  #listing = $state.raw<readonly Post[]>([]);
  /** Ids of posts that arrived while the owner was reading further down. */
  #held = $state.raw<ReadonlySet<string>>(new Set());
  #next: string | null = $state(null);
  /** Moves whenever {@link Acknowledged} changed, so that what is shown is computed anew. */
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Post>;

  loaded = $state(false);
  loadingMore = $state(false);
  problem = $state('');
  /** The screen sets this while the owner is scrolled down: arriving posts are then announced instead of inserted. */
  reading = $state(false);

  readonly posts: readonly Post[] = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged.over(this.#listing).filter((post) => !this.#held.has(post.id));
  });

  constructor(
    private readonly api: Api,
    /** Told of posts before they are shown. */
    private readonly listed: (posts: readonly Post[]) => void = () => undefined,
    now: () => number = Date.now,
  ) {
    this.#acknowledged = new Acknowledged(now, isAnotherEdition);
  }

  /** How many posts wait to be shown. */
  get fresh(): number {
    return this.#held.size;
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Reads the newest part of the feed again: as much of it as is loaded, within what one answer may hold. */
  async reload(): Promise<void> {
    const limit = Math.min(MOST, Math.max(PAGE, this.#listing.length));
    try {
      this.#take(await this.api.feed(limit));
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
      throw error;
    }
  }

  async loadMore(): Promise<void> {
    const before = this.#next;
    if (before === null || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.api.feed(PAGE, before);
      // A reload may have moved the end while this was on its way: then the page does not belong here.
      if (this.#next !== before) return;
      this.listed(page.posts);
      const known = new Set(this.#listing.map((post) => post.id));
      this.#listing = [...this.#listing, ...page.posts.filter((post) => !known.has(post.id))];
      this.#next = page.next ?? null;
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.loadingMore = false;
    }
  }

  /** Shows the posts that were held back. */
  showFresh(): void {
    this.#held = new Set();
  }

  /** Takes in a post of one's own that the server has just confirmed. */
  wrote(post: Post): void {
    this.listed([post]);
    this.#acknowledged.wrote(post);
    this.#acknowledgements += 1;
  }

  /** Writes another edition of a post of one's own. */
  async edit(post: Post, edition: NewPost): Promise<void> {
    this.#acknowledged.wrote(await this.api.editPost(post.id, edition), post);
    this.#acknowledgements += 1;
  }

  async remove(post: Post): Promise<void> {
    try {
      await this.api.deletePost(post.id);
    } catch (error) {
      // Gone already, perhaps from another window: that is what was wanted.
      if (!(error instanceof ApiError && error.kind === 'gone')) throw error;
    }
    this.#acknowledged.removed(post);
    this.#acknowledgements += 1;
  }

  #take(page: PostPage): void {
    const known = new Set(this.#listing.map((post) => post.id));
    const merged = mergeNewest(this.#listing, this.#next, page);
    const held = this.loaded && this.reading ? merged.posts.filter((post) => this.#isNews(post, known)) : [];
    this.#held = new Set(held.map((post) => post.id));
    this.#acknowledged.arrived(merged.posts);
    this.listed(page.posts);
    this.#listing = merged.posts;
    this.#next = merged.next;
    this.loaded = true;
  }

  #isNews(post: Post, known: ReadonlySet<string>): boolean {
    return !post.mine && (this.#held.has(post.id) || !known.has(post.id));
  }
}

/** Whether a listing shows a post otherwise than before it was edited. */
function isAnotherEdition(listed: Post, before: Post): boolean {
  return listed.edited_ms !== before.edited_ms || JSON.stringify(listed.audience) !== JSON.stringify(before.audience);
}

/** A fresh newest page of posts laid over what was listed before. */
export function mergeNewest(listing: readonly Post[], next: string | null, page: PostPage): { posts: Post[]; next: string | null } {
  const merged = mergeListed(listing, next, { items: page.posts, next: page.next ?? null });
  return { posts: [...merged.items], next: merged.next };
}
