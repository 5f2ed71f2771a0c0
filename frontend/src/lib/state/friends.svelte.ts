import { SvelteSet } from 'svelte/reactivity';
import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Blocked, Friend } from '../api/types';
import { friendName } from '../format/friend-name';
import { characters, limits } from '../limits';
import { texts } from '../texts';
import { Acknowledged } from './acknowledged';
import type { Announcer } from './announcer.svelte';

/** Friends and the requests on the way to becoming some. */
export class Friends {
  #listing = $state.raw<readonly Friend[]>([]);
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Friend>;

  loaded = $state(false);
  problem = $state('');
  #blockedListing = $state.raw<readonly Blocked[]>([]);
  readonly #blockings: Acknowledged<Blocked>;
  /** Ids of those that something is being done with right now. */
  readonly busy = new SvelteSet<string>();

  readonly #all = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged.over(this.#listing);
  });
  readonly incoming = $derived(this.#all.filter((friend) => friend.state === 'incoming'));
  readonly outgoing = $derived(this.#all.filter((friend) => friend.state === 'outgoing'));
  readonly friends = $derived(
    this.#all.filter((friend) => friend.state === 'friends').toSorted((one, other) => friendName(one).localeCompare(friendName(other))),
  );
  readonly blocked = $derived.by(() => {
    void this.#acknowledgements;
    return this.#blockings.over(this.#blockedListing);
  });
  readonly none = $derived(this.#all.length === 0);

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
    /** Told of what listings are to show from now on. */
    private readonly written: () => void = () => undefined,
    now: () => number = Date.now,
  ) {
    this.#blockings = new Acknowledged<Blocked>(now);
    this.#acknowledged = new Acknowledged(now, (listed, before) => listed.state !== before.state || listed.muted !== before.muted);
  }

  async reload(): Promise<void> {
    try {
      const { friends, blocked } = await this.api.friends();
      this.#acknowledged.arrived(friends);
      this.#blockings.arrived(blocked);
      this.#listing = friends;
      this.#blockedListing = blocked;
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
      throw error;
    }
  }

  /** Takes in what the server has just confirmed about a friend. */
  wrote(friend: Friend): void {
    const before = this.#listing.find((listed) => listed.id === friend.id) ?? null;
    this.#acknowledged.wrote(friend, before);
    this.#acknowledgements += 1;
    this.written();
  }

  async accept(friend: Friend): Promise<void> {
    await this.#act(friend, async () => {
      this.wrote(await this.api.accept(friend.id));
      this.announcer.done(texts.friends.accepted(friendName(friend)));
    });
  }

  /** Declines, withdraws or unfriends, by the state. */
  async remove(friend: Friend): Promise<void> {
    await this.#act(friend, async () => {
      await this.api.removeFriend(friend.id);
      this.#acknowledged.removed(friend);
      this.#acknowledgements += 1;
      this.announcer.done(farewell(friend));
    });
  }

  /** Ends what there is, and hears nothing more from them. */
  async block(friend: Friend): Promise<void> {
    await this.#act(friend, async () => {
      await this.api.block(friend.id);
      const { id, name, address } = friend;
      this.#acknowledged.removed(friend);
      this.#blockings.wrote({ id, name, address, since_ms: 0 });
      this.#acknowledgements += 1;
      this.announcer.done(texts.friends.blocked(friendName(friend)));
    });
  }

  /** Leaves what a friend writes out of the feed, or takes it in again. */
  async mute(friend: Friend, muted: boolean): Promise<void> {
    await this.#act(friend, async () => {
      await (muted ? this.api.mute(friend.id) : this.api.unmute(friend.id));
      this.wrote({ ...friend, muted });
      this.announcer.done((muted ? texts.friends.muted : texts.friends.unmuted)(friendName(friend)));
    });
  }

  async unblock(person: Blocked): Promise<void> {
    await this.#act(person, async () => {
      await this.api.unblock(person.id);
      this.#blockings.removed(person);
      this.#acknowledgements += 1;
      this.announcer.done(texts.friends.unblocked(person.name));
    });
  }

  async #act(friend: { readonly id: string }, action: () => Promise<void>): Promise<void> {
    if (this.busy.has(friend.id)) return;
    this.busy.add(friend.id);
    try {
      await action();
    } catch (error) {
      this.announcer.problem(ApiError.sentence(error));
    } finally {
      this.busy.delete(friend.id);
    }
  }
}

function farewell(friend: Friend): string {
  switch (friend.state) {
    case 'incoming':
      return texts.friends.declined(friendName(friend));
    case 'outgoing':
      return texts.friends.withdrawn(friendName(friend));
    default:
      return texts.friends.unfriended(friendName(friend));
  }
}

/** The form that asks somebody to become a friend. */
export class FriendRequestForm {
  address = $state('');
  greeting = $state('');
  sending = $state(false);
  problem = $state('');

  readonly greetingOver = $derived(Math.max(0, characters(this.greeting.trim()) - limits.greetingLength));

  constructor(
    private readonly api: Api,
    private readonly friends: Friends,
    private readonly announcer: Announcer,
  ) {}

  async send(): Promise<void> {
    if (this.sending || this.greetingOver > 0) return;
    const address = this.address.trim();
    if (address === '') {
      this.problem = texts.friends.addressMissing;
      return;
    }
    this.sending = true;
    this.problem = '';
    try {
      const { friend, created } = await this.api.befriend(address, this.greeting.trim());
      this.friends.wrote(friend);
      this.address = '';
      this.greeting = '';
      const { sent, already, connected } = texts.friends;
      // Whoever had asked us before, or invited us, is a friend the moment that we ask.
      const sentence = !created ? already : friend.state === 'friends' ? connected : sent;
      this.announcer.done(sentence(friendName(friend)));
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.sending = false;
    }
  }
}
