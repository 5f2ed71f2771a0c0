import { inspect } from './support/inspect';
import { Person } from './support/person';
import { expect, test } from './support/test';

/** What one person's page shows of what another did must come by itself within this time: an open thread asks every 30 s. */
const BY_ITSELF_MS = 45_000;

test.describe.configure({ mode: 'serial', timeout: 120_000 });

/** Where a thread is read, and where its poster is asked. */
const THREADS = /\/thread(\/refresh)?(\?|$)/u;
const POST = 'Who is coming to the lake on Sunday?';
let alice: Person;
let bob: Person;

test.beforeAll(async ({ browser, deploy }) => {
  test.setTimeout(120_000);
  alice = await Person.settle(browser, 'Alice', await deploy());
  bob = await Person.settle(browser, 'Bob', await deploy());
  await bob.ask(alice, 'Hello Alice!');
  await alice.accept(bob);
  for (const person of [alice, bob]) await person.go('Feed');
  await alice.write(POST);
  await expect(bob.post(POST)).toBeVisible({ timeout: BY_ITSELF_MS });
});

test.afterEach(() => {
  for (const person of [alice, bob]) person.watch.expectNothingBad();
});
test.afterAll(async () => {
  for (const person of [alice, bob]) await person.leave();
});

/** What is said under the post, on somebody's page. */
function thread(person: Person) {
  return person.post(POST).getByRole('region', { name: /^Comments on/u });
}

/** One comment, and nothing of those that answer it. */
function comment(person: Person, text: string) {
  return thread(person).locator('[data-comment]').filter({ hasText: text });
}

/** Reactions, and comments on what one did not comment on, come with the next pull: this is one. */
async function look(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: 'Look for new posts' }).click();
}

async function open(person: Person): Promise<void> {
  await person.post(POST).getByRole('button', { name: /^(Comment|\d+ comments?)$/u }).click();
  await expect(thread(person)).toBeVisible();
}

async function say(person: Person, text: string): Promise<void> {
  await thread(person).getByPlaceholder('Write a comment').fill(text);
  await thread(person).getByRole('button', { name: 'Send', exact: true }).click();
  await expect(comment(person, text.replaceAll('*', ''))).toBeVisible();
}

test('a reaction is set by keyboard, reaches the poster, and is joined there', async () => {
  const { page } = bob;
  const add = bob.post(POST).getByRole('button', { name: 'Add a reaction' });
  await add.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Thumbs up', exact: true })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(add).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(add).toBeFocused();
  await expect(bob.post(POST).getByRole('button', { name: /^Heart:/u })).toHaveAttribute('aria-pressed', 'true');

  const chip = alice.post(POST).getByRole('button', { name: /^Heart:/u });
  await expect(chip).toHaveText(/1$/u, { timeout: BY_ITSELF_MS });
  await expect(chip).toHaveAttribute('aria-pressed', 'false');
  await chip.click();
  await expect(chip).toHaveText(/2$/u);
  await look(bob);
  await expect(bob.post(POST).getByRole('button', { name: 'Heart: You and 1 other' })).toBeVisible({ timeout: BY_ITSELF_MS });
  await chip.click();
  await expect(chip).toHaveText(/1$/u);
  await alice.page.reload();
  await expect(chip).toHaveText(/1$/u);
});

test('a comment is told in short, and answered', async () => {
  await open(alice);
  await expect(thread(alice).getByText('Nobody has commented yet.')).toBeVisible();
  await say(alice, 'I bring **cake**.');
  await expect(comment(alice, 'cake').locator('strong')).toHaveText('cake');

  await look(bob);
  const short = bob.post(POST).getByRole('button', { name: 'I bring **cake**.' });
  await expect(short).toBeVisible({ timeout: BY_ITSELF_MS });
  await short.click();
  await expect(comment(bob, 'cake')).toBeVisible({ timeout: BY_ITSELF_MS });
  await comment(bob, 'cake').getByRole('button', { name: 'Reply to Alice' }).click();
  await expect(thread(bob).getByLabel('Reply to Alice').and(thread(bob).getByRole('textbox'))).toBeFocused();
  await bob.page.keyboard.type('And I bring towels.');
  await bob.page.keyboard.press('Control+Enter');
  await expect(comment(bob, 'towels')).toBeVisible();
  // It says that it is on its way until the poster's deployment has it.
  await expect(comment(bob, 'towels').getByText('On its way')).toHaveCount(0, { timeout: BY_ITSELF_MS });

  const answer = thread(alice).locator('li', { hasText: 'cake' }).locator('li', { hasText: 'towels' });
  await expect(answer).toBeVisible({ timeout: BY_ITSELF_MS });
  await expect(alice.post(POST).getByRole('button', { name: '2 comments' })).toBeVisible();
});

test('an open thread is accessible in both themes and fits 320 px', async () => {
  await bob.post(POST).getByRole('button', { name: 'Add a reaction' }).click();
  await inspect(bob.page, 'a thread, under a friend’s post');
  await bob.page.keyboard.press('Escape');
  await comment(alice, 'cake').getByRole('button', { name: 'Edit' }).click();
  await comment(alice, 'towels').getByRole('button', { name: 'Reply to Bob' }).click();
  await inspect(alice.page, 'a thread, under one’s own post');
  await comment(alice, 'cake').or(thread(alice)).getByRole('button', { name: 'Cancel' }).click();
  await thread(alice).getByRole('button', { name: 'Comment on the post instead' }).click();
});

test('a comment that could not be sent stays, and is sent again under the same key', async () => {
  const { page, watch } = bob;
  const keys: (string | undefined)[] = [];
  watch.allow(/ERR_FAILED/u);
  await page.route('**/comments', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    // It arrives, but the answer gets lost on the way back.
    if (keys.length === 1) {
      await route.fetch();
      return route.abort();
    }
    return route.continue();
  });
  await thread(bob).getByPlaceholder('Write a comment').fill('Said once only.');
  await thread(bob).getByRole('button', { name: 'Send', exact: true }).click();
  await expect(thread(bob).getByText('Not sent.')).toBeVisible();
  await thread(bob).getByRole('button', { name: 'Send again' }).click();
  await expect(thread(bob).getByText('Not sent.')).toHaveCount(0);
  await page.unroute('**/comments');
  expect(keys[0]).toBeTruthy();
  expect(keys[1]).toBe(keys[0]);
  await expect(comment(bob, 'Said once only.')).toHaveCount(1);
  await page.reload();
  await open(bob);
  await expect(comment(bob, 'Said once only.')).toHaveCount(1);
});

test('a stranger is told as such, and a poster who cannot be asked', async () => {
  const { page } = bob;
  const author = { id: 'carol234'.repeat(6).padEnd(52, '2'), name: 'Carol', friend_of: { id: 'alice', name: 'Alice' } };
  const body = { type: 'text/v1', text: 'May I come too? <b>Please!</b>' };
  await page.route(THREADS, async (route) => {
    const response = await route.fetch();
    const shown: { comments: object[] } = await response.json();
    const stranger = { ...shown.comments[0], id: 'v'.repeat(26), parent: null, author, body, mine: false, state: null };
    await route.fulfill({ response, json: { ...shown, comments: [...shown.comments, stranger], problem: 'nobody answers there' } });
  });
  await page.reload();
  await open(bob);
  await expect(thread(bob).getByText('Alice’s deployment could not be asked just now.')).toBeVisible();
  await expect(comment(bob, 'cake')).toBeVisible();
  const stranger = comment(bob, 'May I come too? <b>Please!</b>');
  await stranger.getByText('Friend of Alice').click();
  await expect(stranger.locator('[data-fingerprint]')).toHaveAttribute('data-fingerprint', author.id);
  await inspect(page, 'a thread with a stranger in it, whose poster is away');
  await page.unroute(THREADS);
  await page.reload();
  await open(bob);
  await expect(comment(bob, 'cake')).toBeVisible();
  await expect(thread(bob).getByText('could not be asked')).toHaveCount(0);
});

test('a comment is edited, hidden and shown by the poster, and withdrawn', async () => {
  await comment(bob, 'towels').getByRole('button', { name: 'Edit' }).click();
  await thread(bob).getByLabel('New text of the comment').fill('And I bring a tent.');
  await thread(bob).getByRole('button', { name: 'Save' }).click();
  await expect(comment(bob, 'tent').getByText('edited')).toBeVisible();
  await expect(comment(alice, 'tent').getByText('edited')).toBeVisible({ timeout: BY_ITSELF_MS });

  await comment(alice, 'tent').getByRole('button', { name: 'Hide the comment of Bob' }).click();
  await expect(comment(alice, 'tent').getByText('Hidden: only you see it here.')).toBeVisible();
  await inspect(alice.page, 'a thread with a hidden comment');
  await alice.page.reload();
  await open(alice);
  await expect(comment(alice, 'tent').getByText('Hidden: only you see it here.')).toBeVisible();
  await comment(alice, 'tent').getByRole('button', { name: 'Show the comment of Bob again' }).click();
  await expect(thread(alice).getByText('Hidden: only you see it here.')).toHaveCount(0);

  await comment(bob, 'tent').getByRole('button', { name: 'Withdraw' }).click();
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await expect(comment(bob, 'tent')).toHaveCount(0);
  await expect(comment(alice, 'tent')).toHaveCount(0, { timeout: BY_ITSELF_MS });
});

test('the poster is told of comments and reactions', async () => {
  await alice.go('Notices');
  await alice.page.getByText('Bob commented on your post, and reacted to it.').click();
  await expect(alice.page.getByText('Bob commented on your post.', { exact: true })).toBeVisible();
  await expect(alice.page.getByText(/^Bob reacted to your post with ❤/u)).toBeVisible();
});
