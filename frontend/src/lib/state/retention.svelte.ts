import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Settings } from '../api/types';
import { texts } from '../texts';
import type { Announcer } from './announcer.svelte';

/** How many of friends' posts one can choose to keep. */
export const POSTS = [1_000, 5_000, 20_000, 50_000, 100_000] as const;

/** For how many days one can choose to keep them; 0 for ever. */
export const KEEP_DAYS = [0, 30, 90, 365, 730] as const;

type Choice = Partial<Pick<Settings, 'feed_posts' | 'feed_days'>>;

/** How much of friends' posts is kept. Loaded only while it is looked at. */
export class Retention {
  posts = $state(20_000);
  days = $state(0);
  loaded = $state(false);
  problem = $state('');

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
  ) {}

  async open(): Promise<void> {
    await this.#try(async () => this.#show(await this.api.settings()));
  }

  async choose(choice: Choice): Promise<void> {
    const before = { feed_posts: this.posts, feed_days: this.days };
    this.#show({ ...before, ...choice });
    await this.#try(async () => {
      this.#show(await this.api.choose(choice));
      this.announcer.done(texts.retention.saved);
    });
    if (this.problem !== '') this.#show(before);
  }

  #show({ feed_posts, feed_days }: Pick<Settings, 'feed_posts' | 'feed_days'>): void {
    this.posts = feed_posts;
    this.days = feed_days;
    this.loaded = true;
  }

  async #try(action: () => Promise<void>): Promise<void> {
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = ApiError.sentence(error);
      this.announcer.problem(this.problem);
    }
  }
}
