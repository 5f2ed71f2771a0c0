import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Profile } from '../api/types';
import { characters, limits } from '../limits';
import { texts } from '../texts';
import type { Announcer } from './announcer.svelte';

/** The owner's profile and the changes being made to it. */
export class ProfileEditor {
  profile = $state.raw<Profile | null>(null);
  name = $state('');
  bio = $state('');
  saving = $state(false);
  problem = $state('');
  nameProblem = $state('');

  readonly changed = $derived(this.profile !== null && (this.name.trim() !== this.profile.name || this.bio.trim() !== this.profile.bio));
  readonly bioOver = $derived(Math.max(0, characters(this.bio.trim()) - limits.bioLength));

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
    private readonly saved: (profile: Profile) => void,
  ) {}

  /** Loads it once, when the screen that shows it first opens. */
  async open(): Promise<void> {
    if (this.profile === null) await this.reload().catch(() => {});
  }

  /** Follows a change made elsewhere, unless one is being made here. */
  async follow(): Promise<void> {
    if (this.profile !== null && !this.changed) await this.reload();
  }

  async reload(): Promise<void> {
    try {
      this.#take(await this.api.profile());
    } catch (error) {
      this.problem = ApiError.sentence(error);
      throw error;
    }
  }

  async save(): Promise<void> {
    this.nameProblem = checkName(this.name);
    if (this.nameProblem !== '' || this.bioOver > 0 || this.saving || !this.changed) return;
    this.saving = true;
    try {
      const profile = await this.api.saveProfile(this.name.trim(), this.bio.trim());
      this.#take(profile);
      this.saved(profile);
      this.announcer.done(texts.common.saved);
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.saving = false;
    }
  }

  #take(profile: Profile): void {
    this.profile = profile;
    this.name = profile.name;
    this.bio = profile.bio;
    this.problem = '';
  }
}

/** What is wrong with a name, or nothing. */
export function checkName(name: string): string {
  const length = characters(name.trim());
  if (length === 0) return texts.setup.nameMissing;
  return length > limits.nameLength ? texts.setup.nameTooLong(limits.nameLength) : '';
}
