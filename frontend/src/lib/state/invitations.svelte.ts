import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Invitation, Settings } from '../api/types';
import { characters, limits } from '../limits';
import { texts } from '../texts';
import { Acknowledged } from './acknowledged';
import type { Announcer } from './announcer.svelte';

/** For how many days an invitation can be made to work. */
export const DAYS = [1, 7, 30, 90] as const;

type WhoMayAsk = Settings['who_may_ask'];

/** Invitations that the owner made, and whether one is needed. Loaded only while they are looked at. */
export class Invitations {
  #listing = $state.raw<readonly Invitation[]>([]);
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Invitation>;

  note = $state('');
  days = $state(7);
  /** The link that was just made; the deployment cannot tell it again. */
  link = $state('');
  whoMayAsk = $state<WhoMayAsk>('anyone');
  loaded = $state(false);
  busy = $state(false);
  problem = $state('');

  readonly noteOver = $derived(Math.max(0, characters(this.note.trim()) - limits.invitationNoteLength));
  readonly list = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged.over(this.#listing);
  });

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
    now: () => number = Date.now,
  ) {
    this.#acknowledged = new Acknowledged<Invitation>(now);
  }

  /** Shown from now on; the link of before is not shown again. */
  async open(): Promise<void> {
    this.link = '';
    await this.#try(async () => {
      const [listing, settings] = await Promise.all([this.api.invitations(), this.api.settings()]);
      this.#acknowledged.arrived(listing);
      this.#listing = listing;
      this.whoMayAsk = settings.who_may_ask;
      this.loaded = true;
    });
  }

  async make(): Promise<void> {
    if (this.noteOver > 0) return;
    await this.#try(async () => {
      const { link, invitation } = await this.api.invite(this.note.trim(), this.days);
      this.link = link;
      this.note = '';
      this.#acknowledged.wrote(invitation);
      this.#acknowledgements += 1;
      this.announcer.done(texts.invitations.made);
    });
  }

  async revoke(invitation: Invitation): Promise<void> {
    await this.#try(async () => {
      await this.api.revokeInvitation(invitation.id);
      this.#acknowledged.removed(invitation);
      this.#acknowledgements += 1;
      this.link = '';
      this.announcer.done(invitation.state === 'open' ? texts.invitations.revoked : texts.invitations.removed);
    });
  }

  async choose(whoMayAsk: WhoMayAsk): Promise<void> {
    const before = this.whoMayAsk;
    this.whoMayAsk = whoMayAsk;
    await this.#try(async () => {
      this.whoMayAsk = (await this.api.choose({ who_may_ask: whoMayAsk })).who_may_ask;
      this.announcer.done(texts.invitations.saved);
    });
    if (this.problem !== '') this.whoMayAsk = before;
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
