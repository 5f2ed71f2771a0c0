import type { Keep } from '../keep';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Light, dark, or whatever the system wants. */
export class Appearance {
  #theme = $state<Theme>('system');

  constructor(private readonly keep: Keep) {
    const kept = keep.read('theme');
    this.#theme = themes.find((theme) => theme === kept) ?? 'system';
  }

  get theme(): Theme {
    return this.#theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    if (theme === 'system') this.keep.forget('theme');
    else this.keep.write('theme', theme);
  }

  /** Puts the choice on the root element, where the style sheet looks for it. */
  applyTo(root: HTMLElement): void {
    if (this.#theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.#theme;
  }
}
