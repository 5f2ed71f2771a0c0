import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Settings } from '../api/types';
import { texts } from '../texts';
import type { Announcer } from './announcer.svelte';

type Choice = Partial<Pick<Settings, 'read_marks' | 'keep_my_copy'>>;

/** What friends learn of one's reading, and may clear here. Loaded only while it is looked at. */
export class Discretion {
  readMarks = $state(true);
  keepMyCopy = $state(false);
  loaded = $state(false);

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
  ) {}

  async open(): Promise<void> {
    try {
      this.#show(await this.api.settings());
    } catch (error) {
      this.announcer.problem(ApiError.sentence(error));
    }
  }

  async choose(choice: Choice): Promise<void> {
    const before = { read_marks: this.readMarks, keep_my_copy: this.keepMyCopy };
    this.#show({ ...before, ...choice });
    try {
      this.#show(await this.api.choose(choice));
      this.announcer.done(texts.discretion.saved);
    } catch (error) {
      this.#show(before);
      this.announcer.problem(ApiError.sentence(error));
    }
  }

  #show({ read_marks: readMarks, keep_my_copy: keepMyCopy }: Pick<Settings, 'read_marks' | 'keep_my_copy'>): void {
    this.readMarks = readMarks;
    this.keepMyCopy = keepMyCopy;
    this.loaded = true;
  }
}
