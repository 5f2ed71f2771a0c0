import type { Keep } from '../keep';
import { characters, limits } from '../limits';
import type { Outbox } from './outbox.svelte';

/** The post being written. Its draft outlives a reload and an expired session. */
export class Composer {
  #text = $state('');

  constructor(
    private readonly outbox: Outbox,
    private readonly keep: Keep,
  ) {
    this.#text = keep.read('draft') ?? '';
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    if (text === '') this.keep.forget('draft');
    else this.keep.write('draft', text);
  }

  /** Characters as they will be sent. */
  readonly used = $derived(characters(this.#text.trim()));
  readonly over = $derived(Math.max(0, this.used - limits.postLength));
  readonly ready = $derived.by(() => this.used > 0 && this.over === 0 && !this.outbox.full);

  /** Hands the draft to the outbox and starts a new one; false if there was nothing to send. */
  post(): boolean {
    if (!this.ready) return false;
    const text = this.#text.trim();
    this.text = '';
    void this.outbox.send(text);
    return true;
  }
}
