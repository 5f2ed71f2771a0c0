import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './support/test';
import { Person } from './support/person';

/** Looks at a screen as axe does: wide and light, then dark and squeezed into the narrowest phone. */
async function inspect(page: Page, screen: string): Promise<void> {
  await test.step(screen, async () => {
    const wide = page.viewportSize() ?? { width: 1200, height: 800 };
    for (const [width, colorScheme] of [[wide.width, 'light'], [320, 'dark']] as const) {
      await page.setViewportSize({ width, height: wide.height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Colours on their way from one theme to the other are nobody's choice. They are ended rather than awaited: a page
      // that is not in front may draw no frames, and what is never drawn never finishes.
      await page.evaluate(() => {
        for (const animation of document.getAnimations()) if (animation instanceof CSSTransition) animation.finish();
      });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
      expect(found, `${screen}, ${colorScheme}, ${width} px`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${screen} scrolls sideways at ${width} px`).toBe(0);
    }
    await page.setViewportSize(wide);
  });
}

test('every screen is accessible in both themes and fits 320 px', async ({ browser, deploy }) => {
  test.setTimeout(240_000);
  const alice = await Person.arrive(browser, 'Alice', await deploy());
  const bob = await Person.settle(browser, 'Bob with a name that is as long as a name may be, sixty here', await deploy());
  const carol = await Person.settle(browser, 'Carol', await deploy());
  const { page, watch } = alice;

  await alice.open('/');
  await inspect(page, 'sign in, new deployment');
  watch.allow(/401/u);
  await alice.signIn('wrong');
  await expect(page.getByRole('alert').getByText('not right')).toBeVisible();
  await inspect(page, 'sign in, wrong password');
  await alice.signIn('password');
  await expect(page.getByRole('heading', { name: 'Choose a password' })).toBeVisible();
  await page.getByRole('button', { name: 'Next' }).click();
  await inspect(page, 'setup, password');
  await alice.choosePassword();
  await inspect(page, 'setup, name');
  await alice.giveName();
  await inspect(page, 'setup, words');
  const words = await alice.keepWords();
  await inspect(page, 'setup, confirm');
  await alice.confirmWords(words);
  await expect(page.getByText('It is quiet here, still')).toBeVisible();
  await inspect(page, 'feed, empty');
  await alice.go('Friends');
  await expect(page.getByText('No friends here yet')).toBeVisible();
  await inspect(page, 'friends, empty');
  await alice.go('Notices');
  await expect(page.getByText('Nothing to tell')).toBeVisible();
  await inspect(page, 'notices, empty');
  await alice.go('Friends');

  await bob.ask(alice, 'A greeting');
  await alice.accept(bob);
  await alice.ask(carol, '');
  await carol.page.getByRole('navigation').getByRole('link', { name: 'Friends' }).click();
  await expect(carol.page.getByRole('button', { name: 'Accept' })).toBeVisible({ timeout: 25_000 });
  await inspect(carol.page, 'friends, incoming request');
  await carol.go('Notices');
  await expect(carol.page.getByText('wants to be friends')).toBeVisible();
  await inspect(carol.page, 'notices');
  for (const summary of await page.locator('summary').all()) await summary.click();
  await page.getByRole('button', { name: 'Make an invitation' }).click();
  await expect(page.locator('[data-invitation]')).toBeVisible();
  await inspect(page, 'friends');
  // Axe works in pages of a context of their own.
  const visitor = await (await browser.newContext()).newPage();
  await visitor.goto((await page.locator('[data-invitation]').textContent()) ?? '');
  await expect(visitor.getByRole('heading', { name: 'An invitation' })).toBeVisible();
  await inspect(visitor, 'an invitation');
  await visitor.context().close();
  await carol.go('Friends');
  await carol.page.getByRole('button', { name: 'Block' }).click();
  await inspect(carol.page, 'friends, block');
  await carol.page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
  await expect(carol.page.getByRole('heading', { name: 'Blocked' })).toBeVisible();
  await inspect(carol.page, 'friends, blocked');
  await page.getByRole('button', { name: 'Unfriend' }).click();
  await inspect(page, 'friends, confirmation');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await alice.go('Feed');
  await alice.write(`A post with https://example.org/a/rather/long/address/${'x'.repeat(120)} and ${'y'.repeat(200)}`);
  await expect(alice.post('A post with')).toBeVisible();
  await page.getByText('All your friends will see this.').click();
  await page.getByRole('combobox', { name: 'Who sees this' }).selectOption('Everybody');
  await inspect(page, 'feed, a post for everybody');
  await alice.write(`For everybody: ${'z'.repeat(200)}`);
  await alice.post('For everybody').getByRole('link', { name: 'Public' }).click();
  await expect(alice.post('For everybody')).toBeVisible();
  await inspect(page, 'public posts');
  await page.getByRole('link', { name: 'Your feed' }).click();
  watch.allow(/ERR_FAILED/u);
  await page.route('**/api/posts', (route) => route.abort());
  await alice.write('A post that fails.');
  await expect(page.getByText('Not sent.')).toBeVisible();
  await inspect(page, 'feed');
  await page.unroute('**/api/posts');
  await alice.go('Profile');
  await expect(page.getByLabel('About you')).toBeVisible();
  await inspect(page, 'profile');
  await alice.go('Settings');
  await inspect(page, 'settings');
  await page.route('**/api/**', (route) => route.abort());
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Your deployment does not answer' })).toBeVisible();
  await inspect(page, 'unreachable');

  for (const person of [alice, bob, carol]) {
    person.watch.expectNothingBad();
    await person.leave();
  }
});
