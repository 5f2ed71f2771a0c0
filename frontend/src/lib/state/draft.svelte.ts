import type { Audience, NewPost, Post } from '../api/types';
import { characters, limits } from '../limits';

/** Where a post goes: to all friends, to some, or to everybody. Exceptions are kept while one looks at the other. */
export type Reach = Audience['to'];

/** What is being written, as a new post or as another edition of one. */
export class Draft {
  text = $state('');
  warning = $state('');
  /** Whether there is a field for a warning. */
  warned = $state(false);
  reach = $state<Reach>('friends');
  circles = $state.raw<readonly string[]>([]);
  friends = $state.raw<readonly string[]>([]);
  except = $state.raw<readonly string[]>([]);

  /** Characters as they will be sent. */
  readonly used = $derived(characters(this.text.trim()));
  readonly over = $derived(Math.max(0, this.used - limits.postLength));
  readonly warningOver = $derived(this.warned ? Math.max(0, characters(this.warning.trim()) - limits.warningLength) : 0);
  /** Null for all friends. */
  readonly audience: Audience | null = $derived.by(() => {
    if (this.reach === 'public') return { to: 'public' };
    const except = [...this.except];
    if (this.reach === 'friends') return except.length === 0 ? null : { to: 'friends', except };
    return { to: 'chosen', circles: [...this.circles], friends: [...this.friends], except };
  });
  /** Whether nobody was chosen although some are to be. */
  readonly toNobody = $derived(this.reach === 'chosen' && this.circles.length + this.friends.length === 0);
  readonly ready = $derived(this.used > 0 && this.over === 0 && this.warningOver === 0 && !this.toNobody);

  /** What a post says now, to be changed. */
  static of(post: Post): Draft {
    const draft = new Draft();
    draft.text = post.body.text ?? '';
    draft.warning = post.body.warning ?? '';
    draft.warned = draft.warning !== '';
    draft.aim(post.audience ?? null);
    return draft;
  }

  /** Takes over whom something is for. */
  aim(audience: Audience | null): void {
    this.reach = audience?.to ?? 'friends';
    this.except = audience === null || audience.to === 'public' ? [] : (audience.except ?? []);
    this.circles = audience?.to === 'chosen' ? (audience.circles ?? []) : [];
    this.friends = audience?.to === 'chosen' ? (audience.friends ?? []) : [];
  }

  /** Puts somebody or something on one of the lists, or takes it off. */
  toggle(list: 'circles' | 'friends' | 'except', id: string): void {
    this[list] = this[list].includes(id) ? this[list].filter((other) => other !== id) : [...this[list], id];
  }

  /** As it is sent. */
  post(): NewPost {
    const warning = this.warned ? this.warning.trim() : '';
    return {
      text: this.text.trim(),
      ...(warning === '' ? {} : { warning }),
      ...(this.audience === null ? {} : { audience: this.audience }),
    };
  }

  /** Starts anew, for the same people. What is for everybody is chosen anew each time: it cannot be taken back from all who saw it. */
  clear(): void {
    if (this.reach === 'public') this.reach = 'friends';
    this.text = '';
    this.warning = '';
    this.warned = false;
  }
}
