import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { PublicPost } from '../api/types';

/** What the owner of this deployment wrote for everybody, as a visitor sees it. */
export class PublicPosts {
  name = $state('');
  posts = $state.raw<readonly PublicPost[]>([]);
  loaded = $state(false);
  loading = $state(false);
  problem = $state('');
  #next: string | null = $state(null);

  constructor(private readonly api: Api) {}

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Loads the newest page, or the one below what is there. */
  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      const page = await this.api.publicPosts(this.#next);
      this.name = page.name;
      this.posts = [...this.posts, ...page.posts];
      this.#next = page.next ?? null;
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.loading = false;
    }
  }
}
