import { expect, test } from './support/test';
import { PASSWORD, Person } from './support/person';

/** The moments in which things go otherwise than hoped. One deployment serves them all, in order. */
test.describe.configure({ mode: 'serial' });

let alice: Person;

test.beforeAll(async ({ browser, deploy }) => {
  alice = await Person.settle(browser, 'Alice', await deploy());
});

test.afterEach(() => alice.watch.expectNothingBad());
test.afterAll(async () => alice.leave());

test('everything from sign-in to the first post works by keyboard alone', async () => {
  const { page } = alice;
  await alice.signOut();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Look for new posts' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Write a post')).toBeFocused();
  await page.keyboard.type('Written without a mouse.');
  await page.keyboard.press('Control+Enter');
  await expect(alice.post('Written without a mouse.')).toBeVisible();
});

test('a wrong password is named as such, and an empty one is not even sent', async () => {
  const { page, watch } = alice;
  await alice.signOut();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').getByText('Enter your password.')).toBeVisible();
  watch.allow(/401/u);
  await alice.signIn('not the password');
  await expect(page.getByRole('alert').getByText('That user name or password is not right.')).toBeVisible();
  await alice.signIn();
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
});

test('a draft survives a reload and an expired session', async () => {
  const { page, context, watch } = alice;
  await page.getByLabel('Write a post').fill('Half a thought');
  await page.reload();
  await expect(page.getByLabel('Write a post')).toHaveValue('Half a thought');
  watch.allow(/401/u);
  await context.clearCookies();
  await expect(page.getByText('You were signed out.')).toBeVisible();
  await alice.signIn();
  await expect(page.getByLabel('Write a post')).toHaveValue('Half a thought');
  await page.getByLabel('Write a post').fill('');
});

test('a post that could not be sent stays, and is sent again under the same key', async () => {
  const { page, watch } = alice;
  const keys: (string | undefined)[] = [];
  watch.allow(/ERR_FAILED/u);
  await page.route('**/api/posts', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    // The first one arrives, but its answer gets lost on the way back.
    if (keys.length === 1) {
      await route.fetch();
      await route.abort();
    } else await route.continue();
  });
  await alice.write('Sent twice, there once.');
  const post = alice.post('Sent twice, there once.');
  await expect(post.getByText('Not sent.')).toBeVisible();
  await post.getByRole('button', { name: 'Try again' }).click();
  await expect(post.getByText('Not sent.')).toHaveCount(0);
  await page.unroute('**/api/posts');
  await page.reload();
  await expect(post).toHaveCount(1);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
  expect(keys[1]).toBe(keys[0]);
});

test('a post that is too long says by how much and is not sent', async () => {
  const { page } = alice;
  await page.getByLabel('Write a post').fill('x'.repeat(5003));
  await expect(page.getByText('3 characters too many')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Post', exact: true })).toBeDisabled();
  await page.getByLabel('Write a post').fill('');
});

test('older posts load while scrolling down, to the end', async () => {
  const { page } = alice;
  const had = await page.getByRole('article').count();
  const written = await page.evaluate(async () => {
    const answers = [];
    for (let number = 1; number <= 45; number += 1) {
      const body = JSON.stringify({ text: `Old post ${number}.\n\nWith a second line.` });
      answers.push((await fetch('/api/posts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })).status);
    }
    return answers;
  });
  expect(new Set(written)).toEqual(new Set([201]));
  await page.reload();
  // A deployment that is busy with so many posts may give a short page, which the next one follows at once.
  await expect.poll(() => page.getByRole('article').count()).toBeGreaterThanOrEqual(20);
  await expect(page.getByText('You have read everything.')).toHaveCount(0);
  await expect(async () => {
    await page.mouse.wheel(0, 20_000);
    await expect(page.getByText('You have read everything.')).toBeInViewport({ timeout: 500 });
  }).toPass();
  await expect(page.getByRole('article')).toHaveCount(45 + had);
  await expect(alice.post('Old post 1.')).toHaveCount(1);
  await page.evaluate(() => window.scrollTo(0, 0));
});

test('befriending nobody, oneself or a silent address is explained', async () => {
  const { page, watch, deployment } = alice;
  watch.allow(/422|502/u);
  await alice.go('Friends');
  const alert = page.locator('form').getByRole('alert').filter({ hasText: /\S/u });
  const ask = page.getByRole('button', { name: 'Send request' });
  await ask.click();
  await expect(alert).toHaveText('Enter an address.');
  for (const address of [deployment.address, 'http://127.0.0.1:9', 'not an address']) {
    await page.getByLabel('Address or invitation').fill(address);
    const [answer] = await Promise.all([page.waitForResponse('**/api/friends'), ask.click()]);
    expect([422, 502]).toContain(answer.status());
    await expect(alert).toBeVisible();
    await expect(page.getByLabel('Address or invitation')).toHaveValue(address);
  }
});

test('the profile can be changed and shows the fingerprint', async () => {
  const { page } = alice;
  await alice.go('Profile');
  await expect(page.locator('[data-fingerprint]')).toHaveText(/^([a-z2-7]{4}\s*){6}[a-z2-7]{2}$/u);
  await page.getByLabel('Name', { exact: true }).fill('Alice Moreau');
  await page.getByLabel('About you').fill('Bakes bread, badly.');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('status').getByText('Saved')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('About you')).toHaveValue('Bakes bread, badly.');
  await expect(page.getByRole('navigation').getByText('Alice Moreau')).toBeVisible();
});

test('the appearance follows the system until it is chosen, and the choice stays', async () => {
  const { page } = alice;
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await alice.go('Settings');
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.getByText('Light', { exact: true }).click();
  expect(await background()).toBe(light);
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Light' })).toBeChecked();
  expect(await background()).toBe(light);
  await page.getByText('As the system').click();
  expect(await background()).toBe(dark);
  await page.emulateMedia({ colorScheme: null });
});

test('the password can be changed', async () => {
  const { page } = alice;
  await alice.go('Settings');
  await page.getByLabel('New password').fill('another good one');
  await page.getByLabel('The same again').fill('another good one');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByRole('status').getByText('Your password is changed.')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await alice.signOut();
  await alice.signIn('another good one');
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
});

test('a deployment that stops answering is named, at work and at the door, and the app recovers by itself', async () => {
  const { page, watch } = alice;
  watch.allow(/ERR_FAILED/u);
  await page.route('**/api/**', (route) => route.abort());
  await expect(page.getByText('Your deployment does not answer. Trying again…')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Your deployment does not answer' })).toBeVisible();
  await page.unroute('**/api/**');
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
});

test('a deployment that refuses to work shows what it says', async () => {
  const { page, watch } = alice;
  watch.allow(/503/u);
  const detail = 'Set the variable owner_password, then start again.';
  await page.route('**/api/session', (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'No', status: 503, detail }) }),
  );
  await page.reload();
  await expect(page.getByText(detail)).toBeVisible();
  await page.unroute('**/api/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
});

test('addresses inside the app can be opened directly and gone back from', async () => {
  const { page } = alice;
  await alice.open('/friends');
  await expect(page.getByRole('heading', { name: 'Friends', level: 1 })).toBeVisible();
  await expect(page).toHaveTitle('Friends · Tidings');
  await alice.go('Profile');
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Friends', level: 1 })).toBeFocused();
});
