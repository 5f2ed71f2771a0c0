import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Circle, Friend } from '../api/types';
import { friendName } from '../format/friend-name';
import { characters, limits } from '../limits';
import { texts } from '../texts';
import { uuidv7 } from '../uuidv7';
import { Acknowledged } from './acknowledged';
import type { Announcer } from './announcer.svelte';

/** Friends under names, to write for. Loaded only while they are looked at. */
export class Circles {
  #listing = $state.raw<readonly Circle[]>([]);
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Circle>;
  /** Names the circle that is being made to the server: however often it is sent, it is made once. */
  #key = uuidv7();

  name = $state('');
  loaded = $state(false);
  busy = $state(false);
  problem = $state('');

  readonly nameOver = $derived(Math.max(0, characters(this.name.trim()) - limits.circleNameLength));
  readonly list = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged.over(this.#listing).toSorted((one, other) => one.name.localeCompare(other.name));
  });

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
    now: () => number = Date.now,
  ) {
    this.#acknowledged = new Acknowledged<Circle>(now, (listed, before) => JSON.stringify(listed) !== JSON.stringify(before));
  }

  async open(): Promise<void> {
    await this.#try(async () => {
      const listing = await this.api.circles();
      this.#acknowledged.arrived(listing);
      this.#listing = listing;
      this.loaded = true;
    });
  }

  async make(): Promise<void> {
    const name = this.name.trim();
    if (name === '' || this.nameOver > 0) return;
    await this.#try(async () => {
      this.#wrote(await this.api.createCircle(name, this.#key));
      this.#key = uuidv7();
      this.name = '';
      this.announcer.done(texts.circles.made(name));
    });
  }

  async rename(circle: Circle, name: string): Promise<void> {
    const wanted = name.trim();
    if (wanted === '' || wanted === circle.name) return;
    await this.#try(async () => this.#wrote(await this.api.renameCircle(circle.id, wanted), circle));
  }

  async remove(circle: Circle): Promise<void> {
    await this.#try(async () => {
      await this.api.deleteCircle(circle.id);
      this.#acknowledged.removed(circle);
      this.#acknowledgements += 1;
      this.announcer.done(texts.circles.removed(circle.name));
    });
  }

  /** Puts a friend into a circle, or takes them out of it. */
  async toggle(circle: Circle, friend: Friend): Promise<void> {
    await this.#try(async () => {
      const isInside = circle.members.includes(friend.id);
      this.#wrote(await (isInside ? this.api.takeOutOfCircle(circle.id, friend.id) : this.api.putIntoCircle(circle.id, friend.id)), circle);
      const sentence = isInside ? texts.circles.takenOut : texts.circles.putIn;
      this.announcer.done(sentence(friendName(friend), circle.name));
    });
  }

  #wrote(circle: Circle, before: Circle | null = null): void {
    this.#acknowledged.wrote(circle, before);
    this.#acknowledgements += 1;
  }

  async #try(action: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.busy = false;
    }
  }
}
