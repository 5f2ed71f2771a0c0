import type { Keep } from '../keep';
import { Draft } from './draft.svelte';
import type { Outbox } from './outbox.svelte';

/** The post being written. What it says outlives a reload and an expired session. */
export class Composer {
  readonly draft = new Draft();

  constructor(
    private readonly outbox: Outbox,
    private readonly keep: Keep,
  ) {
    this.draft.text = keep.read('draft') ?? '';
  }

  get text(): string {
    return this.draft.text;
  }

  set text(text: string) {
    this.draft.text = text;
    if (text === '') this.keep.forget('draft');
    else this.keep.write('draft', text);
  }

  readonly ready = $derived.by(() => this.draft.ready && !this.outbox.full);

  /** Hands the draft to the outbox and starts a new one; false if there was nothing to send. */
  post(): boolean {
    if (!this.ready) return false;
    const post = this.draft.post();
    this.text = '';
    this.draft.clear();
    void this.outbox.send(post);
    return true;
  }
}
