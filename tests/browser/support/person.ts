import { type Browser, type BrowserContext, expect, type Page } from '@playwright/test';
import type { Deployment } from './deployment';
import { Watch } from './watch';

export const PASSWORD = 'correct horse battery';

/** Somebody with a deployment and a browser, doing what people do. */
export class Person {
  private constructor(
    readonly name: string,
    readonly deployment: Deployment,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly watch: Watch,
  ) {}

  static async arrive(browser: Browser, name: string, deployment: Deployment): Promise<Person> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const watch = await Watch.over(page, deployment.address);
    return new Person(name, deployment, context, page, watch);
  }

  /** Arrives and goes through the whole of setup. */
  static async settle(browser: Browser, name: string, deployment: Deployment): Promise<Person> {
    const person = await Person.arrive(browser, name, deployment);
    await person.open('/');
    await person.signIn('password');
    await person.setUp();
    return person;
  }

  async open(path: string): Promise<void> {
    await this.page.goto(this.deployment.address + path);
  }

  async signIn(password: string = PASSWORD): Promise<void> {
    const { page } = this;
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async choosePassword(password: string = PASSWORD): Promise<void> {
    const { page } = this;
    await page.getByLabel('New password').fill(password);
    await page.getByLabel('The same again').fill(password);
    await page.getByRole('button', { name: 'Next' }).click();
  }

  async giveName(): Promise<void> {
    await this.page.getByLabel('Name', { exact: true }).fill(this.name);
    await this.page.getByRole('button', { name: 'Next' }).click();
  }

  /** Writes down the words that are shown. */
  async keepWords(): Promise<string[]> {
    const { page } = this;
    await expect(page.getByRole('heading', { name: 'Keep these 24 words' })).toBeVisible();
    const words = await page.locator('[data-word]').allTextContents();
    await page.getByRole('button', { name: 'I have kept them' }).click();
    return words;
  }

  async confirmWords(words: readonly string[]): Promise<void> {
    const { page } = this;
    for (const field of await page.getByLabel(/^Word \d+$/u).all()) {
      const label = await field.evaluate((input: HTMLInputElement) => input.labels?.[0]?.textContent ?? '');
      await field.fill(words[Number(label.replace(/\D/gu, '')) - 1] ?? '');
    }
    await page.getByRole('button', { name: 'Finish' }).click();
  }

  async setUp(): Promise<string[]> {
    await this.choosePassword();
    await this.giveName();
    const words = await this.keepWords();
    await this.confirmWords(words);
    await expect(this.page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
    return words;
  }

  async go(place: 'Feed' | 'Friends' | 'Messages' | 'Notices' | 'Profile' | 'Settings'): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name: place }).click();
    await expect(this.page.getByRole('heading', { name: place, level: 1 })).toBeVisible();
  }

  async signOut(): Promise<void> {
    await this.go('Settings');
    await this.page.getByRole('button', { name: 'Sign out' }).click();
    await expect(this.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  }

  async ask(other: Person, greeting: string): Promise<void> {
    await this.go('Friends');
    await this.page.getByLabel('Address or invitation').fill(other.deployment.address);
    await this.page.getByLabel('Greeting').fill(greeting);
    await this.page.getByRole('button', { name: 'Send request' }).click();
    await expect(this.page.getByRole('status').getByText(/^Your request to .+ is on its way\.$/u)).toBeVisible();
  }

  /** Accepts the request that stands on the friends screen. */
  async accept(other: Person): Promise<void> {
    await this.go('Friends');
    await this.page.getByRole('article', { name: other.name }).getByRole('button', { name: 'Accept' }).click();
    await expect(this.page.getByRole('status').getByText(`You and ${other.name} are friends now.`)).toBeVisible();
  }

  async write(text: string): Promise<void> {
    await this.page.getByLabel('Write a post').fill(text);
    await this.page.getByRole('button', { name: 'Post', exact: true }).click();
    await expect(this.page.getByLabel('Write a post')).toHaveValue('');
  }

  post(text: string) {
    return this.page.getByRole('article').filter({ hasText: text });
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
