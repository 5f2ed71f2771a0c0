import { expect, test } from './support/test';
import { Person } from './support/person';

/** What one person's page shows of what another did must come by itself within this time. */
const BY_ITSELF_MS = 25_000;

test('an invitation makes friends, and a visitor is told what to do with it', async ({ browser, deploy }) => {
  test.setTimeout(180_000);
  const alice = await Person.settle(browser, 'Alice', await deploy());
  const bob = await Person.settle(browser, 'Bob', await deploy());
  let link = '';

  await test.step('Bob makes an invitation', async () => {
    const { page } = bob;
    await bob.go('Friends');
    await page.getByText('Invitations', { exact: true }).click();
    await page.getByLabel('For whom (optional)').fill('Alice from the choir');
    await page.getByLabel('Works for').selectOption('30 days');
    await page.getByRole('button', { name: 'Make an invitation' }).click();
    link = (await page.locator('[data-invitation]').textContent()) ?? '';
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#invite=[a-z2-7]{26}\.[\w-]{22}$/u);
    await expect(page.getByText('Alice from the choir')).toBeVisible();
  });

  await test.step('whoever follows it is told who invites, and what to do', async () => {
    const visitor = await browser.newPage();
    await visitor.goto(link);
    await expect(visitor.getByText('Bob invites you to be friends on Tidings.')).toBeVisible();
    await expect(visitor.locator('[data-invitation]')).toHaveText(link);
    await visitor.getByRole('button', { name: 'This is my deployment' }).click();
    await expect(visitor.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(visitor.url()).not.toContain('invite');
    await visitor.goto(link.slice(0, -3));
    await visitor.reload();
    await expect(visitor.getByText('This invitation is not whole.')).toBeVisible();
    await visitor.close();
  });

  await test.step('Alice pastes it, and they are friends', async () => {
    const { page } = alice;
    await alice.go('Friends');
    await page.getByLabel('Address or invitation').fill(link);
    await page.getByRole('button', { name: 'Send request' }).click();
    await expect(page.getByRole('status').getByText('You and Bob are friends now.')).toBeVisible();
    await expect(bob.page.getByRole('article', { name: 'Alice' })).toBeVisible({ timeout: BY_ITSELF_MS });
  });

  await test.step('from then on only people with an invitation may ask', async () => {
    await bob.page.getByLabel('Only people with an invitation').check();
    await expect(bob.page.getByRole('status').getByText('That is how it is from now on.')).toBeVisible();
  });

  await test.step('Bob blocks Alice, who sees nothing but the end of it', async () => {
    const { page } = bob;
    await page.getByRole('article', { name: 'Alice' }).getByRole('button', { name: 'Block' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
    await expect(page.getByRole('heading', { name: 'Blocked' })).toBeVisible();
    await expect(alice.page.getByRole('article', { name: 'Bob' })).toHaveCount(0, { timeout: BY_ITSELF_MS });
    await page.getByRole('button', { name: 'Unblock: Alice' }).click();
    await expect(page.getByRole('heading', { name: 'Blocked' })).toHaveCount(0);
  });

  for (const person of [alice, bob]) {
    person.watch.expectNothingBad();
    await person.leave();
  }
});
