import { expect, type Page } from '@playwright/test';

/** Watches a page for what must never happen: errors, broken security policy, requests to anybody else. */
export class Watch {
  readonly #faults: string[] = [];
  readonly #allowed: RegExp[] = [];

  private constructor(private readonly origin: string) {}

  static async over(page: Page, origin: string): Promise<Watch> {
    const watch = new Watch(origin);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') watch.#note(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => watch.#note(`uncaught: ${error.message}`));
    page.on('request', (request) => watch.#noteForeign(request.url()));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`security policy violated: ${violatedDirective} by ${blockedURI}`),
      );
    });
    return watch;
  }

  /** Chromium writes every refused request to the console: a test that wants one refused says so. */
  allow(fault: RegExp): void {
    this.#allowed.push(fault);
  }

  expectNothingBad(): void {
    const bad = this.#faults.filter((fault) => !this.#allowed.some((allowed) => allowed.test(fault)));
    expect(bad, 'the console, the security policy and the origins asked').toEqual([]);
  }

  #noteForeign(url: string): void {
    const { origin, protocol } = new URL(url);
    if (origin !== this.origin && !['data:', 'blob:', 'about:'].includes(protocol)) this.#note(`asked ${url}`);
  }

  #note(fault: string): void {
    this.#faults.push(fault);
  }
}
