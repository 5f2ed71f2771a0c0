import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { ROOT } from './support/deployment';
import { expect, test } from './support/test';
import { Person } from './support/person';

const MINUTE_MS = 60_000;
/** How long ago the posts of the picture were written, newest first. */
const AGES_MS = [2, 9, 47, 3 * 60, 5 * 60, 26 * 60].map((minutes) => minutes * MINUTE_MS);

/** A test writes everything within seconds: for the picture, the times are spread over a day. */
async function spreadTimes(page: Page): Promise<void> {
  await page.route('**/api/feed?*', async (route) => {
    const response = await route.fetch();
    const feed: { posts: { created_ms: number }[] } = await response.json();
    feed.posts.forEach((post, index) => (post.created_ms = Date.now() - (AGES_MS[index] ?? 0)));
    await route.fulfill({ response, json: feed });
  });
}

/** Takes the picture that the README shows; only with TIDINGS_SHOTS=1. */
test('the feed, for the README', async ({ browser, deploy }) => {
  test.setTimeout(180_000);
  const alice = await Person.settle(browser, 'Alice Moreau', await deploy());
  const bob = await Person.settle(browser, 'Bob Lindqvist', await deploy());
  const carol = await Person.settle(browser, 'Carol Adeyemi', await deploy());
  for (const friend of [bob, carol]) {
    await friend.ask(alice, 'Hello Alice!');
    await alice.accept(friend);
  }
  for (const person of [alice, bob, carol]) await person.go('Feed');

  await carol.write('Choir practice moved to Thursday. Bring the green folder, and lozenges.');
  await bob.write('The tram line is back after three months. Took the long way home just to ride it.');
  await alice.write('Sourdough, attempt eleven. This one rose. I am not sure what I did differently, which is the annoying part.');
  await carol.write('A good read for a slow evening: https://example.org/small-networks');
  await bob.write('Who else is coming to the lake on Sunday? I can take two people and one very wet dog.');
  await expect(alice.post('very wet dog')).toBeVisible({ timeout: 25_000 });
  await expect(alice.post('slow evening')).toBeVisible();
  const lake = alice.post('very wet dog');
  await lake.getByRole('button', { name: 'Add a reaction' }).click();
  await alice.page.getByRole('button', { name: 'Heart', exact: true }).click();
  await lake.getByRole('button', { name: 'Comment', exact: true }).click();
  await lake.getByPlaceholder('Write a comment').fill('Me! I bring the cake. And towels for the dog.');
  await lake.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(lake.getByText('I bring the cake').first()).toBeVisible();
  await expect(bob.post('very wet dog').getByText('I bring the cake').first()).toBeVisible({ timeout: 45_000 });

  const { page } = alice;
  await page.emulateMedia({ colorScheme: 'light' });
  await spreadTimes(page);
  await page.reload();
  await expect(lake.getByText('I bring the cake')).toBeVisible();
  await expect(alice.post('2m ago')).toBeVisible();
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  const folder = join(ROOT, 'docs/images');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, 'feed.png') });
  for (const person of [alice, bob, carol]) await person.leave();
});
