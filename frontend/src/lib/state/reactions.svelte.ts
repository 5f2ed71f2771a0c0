import type { Api, PostPlace } from '../api/client';
import { ApiError } from '../api/errors';
import type { Reaction } from '../api/types';
import { TRUST_LISTING_AFTER_MS } from './acknowledged';

/** What the owner wants of one emoji. */
interface Wish {
  readonly emoji: string;
  readonly set: boolean;
  /** When the server confirmed it; null until then. */
  readonly confirmedMs: number | null;
}

/** The emojis under one post. The owner's own are shown as wished at once, and until what is listed shows them too. */
export class Reactions {
  #listed = $state.raw<readonly Reaction[]>([]);
  #wishes = $state.raw<readonly Wish[]>([]);
  /** Emojis of which a change is on its way: the next one waits for it, so that the last wish is the last to arrive. */
  readonly #sending = new Set<string>();

  readonly shown: readonly Reaction[] = $derived(overlaid(this.#listed, this.#wishes));

  constructor(
    private readonly api: Api,
    private readonly place: PostPlace,
    /** Something was said, so something may come of it soon. */
    private readonly expect: () => void,
    private readonly failed: (sentence: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** What the server lists now. */
  arrived(listed: readonly Reaction[]): void {
    this.#listed = listed;
    const believedBefore = this.now() - TRUST_LISTING_AFTER_MS;
    this.#wishes = this.#wishes.filter(
      ({ emoji, set, confirmedMs }) => confirmedMs === null || (confirmedMs >= believedBefore && isMine(listed, emoji) !== set),
    );
  }

  /** Sets an emoji, or takes it back. */
  async toggle(emoji: string): Promise<void> {
    let confirmed = this.#wishes.find((wish) => wish.emoji === emoji && wish.confirmedMs !== null);
    this.#wish({ emoji, set: !isMine(this.shown, emoji), confirmedMs: null });
    if (this.#sending.has(emoji)) return;
    this.#sending.add(emoji);
    try {
      for (let wish = this.#open(emoji); wish !== undefined; wish = this.#open(emoji)) {
        await this.api.react(this.place, emoji, wish.set);
        confirmed = { ...wish, confirmedMs: this.now() };
        if (this.#open(emoji) === wish) this.#wish(confirmed);
      }
      this.expect();
    } catch (error) {
      this.#wishes = this.#wishes.filter((wish) => wish.emoji !== emoji).concat(confirmed ?? []);
      this.failed(ApiError.sentence(error));
    } finally {
      this.#sending.delete(emoji);
    }
  }

  #open(emoji: string): Wish | undefined {
    return this.#wishes.find((wish) => wish.emoji === emoji && wish.confirmedMs === null);
  }

  #wish(wish: Wish): void {
    this.#wishes = [...this.#wishes.filter(({ emoji }) => emoji !== wish.emoji), wish];
  }
}

function isMine(reactions: readonly Reaction[], emoji: string): boolean {
  return reactions.find((reaction) => reaction.emoji === emoji)?.mine ?? false;
}

function overlaid(listed: readonly Reaction[], wishes: readonly Wish[]): Reaction[] {
  const known = listed.map((reaction) => {
    const wish = wishes.find(({ emoji }) => emoji === reaction.emoji);
    if (wish === undefined || wish.set === reaction.mine) return reaction;
    return { ...reaction, mine: wish.set, count: reaction.count + (wish.set ? 1 : -1) };
  });
  const added = wishes.filter(({ emoji, set }) => set && !listed.some((reaction) => reaction.emoji === emoji));
  return [...known.filter(({ count }) => count > 0), ...added.map(({ emoji }) => ({ emoji, count: 1, mine: true }))];
}
