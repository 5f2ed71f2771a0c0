/** A short message that is shown for a while and read out by screen readers. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: 'done' | 'problem';
}

const SHOWN_MS = { done: 4_000, problem: 9_000 } as const;

/** Tells people what just happened, one sentence at a time. */
export class Announcer {
  notice = $state<Notice | null>(null);
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  done(text: string): void {
    this.#show(text, 'done');
  }

  problem(text: string): void {
    this.#show(text, 'problem');
  }

  dismiss(): void {
    clearTimeout(this.#timer);
    this.notice = null;
  }

  #show(text: string, kind: Notice['kind']): void {
    clearTimeout(this.#timer);
    this.#count += 1;
    this.notice = { id: this.#count, text, kind };
    this.#timer = setTimeout(() => (this.notice = null), SHOWN_MS[kind]);
  }
}
