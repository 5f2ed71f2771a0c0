import { expect, test } from './support/test';
import { Person } from './support/person';

/** Two friends, each in a browser of their own: what they write to each other, and for whom. */
test.describe.configure({ mode: 'serial' });

/** What one person's page shows of what another did must come by itself within this time. */
const BY_ITSELF_MS = 25_000;

let alice: Person;
let bob: Person;

test.beforeAll(async ({ browser, deploy }) => {
  test.setTimeout(120_000);
  [alice, bob] = await Promise.all([Person.settle(browser, 'Alice', await deploy()), Person.settle(browser, 'Bob', await deploy())]);
  await alice.ask(bob, '');
  await bob.go('Friends');
  await expect(bob.page.getByRole('article', { name: 'Alice' })).toBeVisible({ timeout: BY_ITSELF_MS });
  await bob.accept(alice);
  await alice.go('Friends');
  await expect(alice.page.getByRole('button', { name: 'Message' })).toBeVisible({ timeout: BY_ITSELF_MS });
});

test.afterEach(() => [alice, bob].forEach((person) => person.watch.expectNothingBad()));
test.afterAll(async () => {
  await Promise.all([alice.leave(), bob.leave()]);
});

/** The messages on the screen that have this text. */
function message(person: Person, text: string) {
  return person.page.getByRole('article').filter({ hasText: text });
}

/** Comes back to the page, which asks what is new, until it shows what is expected. */
async function looks(person: Person, expected: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await person.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expected();
  }).toPass({ timeout: BY_ITSELF_MS, intervals: [100] });
}

/** For how long one look lasts. */
const SOON = { timeout: 1_500 };

async function say(person: Person, text: string): Promise<void> {
  await person.page.getByRole('textbox', { name: /^Message to/u }).fill(text);
  await person.page.getByRole('button', { name: 'Send' }).click();
  await expect(message(person, text)).toBeVisible();
}

test('two friends write to each other, edit, withdraw, see what was read, and clear it all', async () => {
  test.setTimeout(120_000);

  await test.step('Alice writes, and Bob sees that there is something unread', async () => {
    await alice.page.getByRole('button', { name: 'Message' }).click();
    await say(alice, 'Practice at eight?');
    await expect(message(alice, 'Practice at eight?').getByText('On its way')).toBeVisible();
    await looks(bob, () => expect(bob.page.getByRole('navigation').getByText('(1 conversation with unread messages)')).toBeAttached(SOON));
    await looks(alice, () => expect(message(alice, 'Practice at eight?').getByText('Delivered')).toBeVisible(SOON));
    await bob.go('Messages');
  });

  await test.step('Bob reads it, and Alice sees that he did', async () => {
    await bob.page.getByRole('button', { name: 'Conversation with Alice, 1 unread' }).click();
    await expect(message(bob, 'Practice at eight?')).toBeVisible();
    await expect(bob.page.getByRole('navigation').getByText('unread messages')).toHaveCount(0, { timeout: BY_ITSELF_MS });
    await looks(alice, () => expect(message(alice, 'Practice at eight?').getByText('Read')).toBeVisible(SOON));
  });

  await test.step('Alice edits it, and Bob answers', async () => {
    await message(alice, 'Practice at eight?').getByRole('button', { name: 'Edit' }).click();
    await alice.page.getByLabel('New text of the message').fill('Practice at nine?');
    await alice.page.getByRole('button', { name: 'Save' }).click();
    await looks(bob, () => expect(message(bob, 'Practice at nine?').getByText('edited')).toBeVisible(SOON));
    await expect(message(bob, 'Practice at eight?')).toHaveCount(0);
    await say(bob, 'Nine it is.');
    await looks(alice, () => expect(message(alice, 'Nine it is.')).toBeVisible(SOON));
  });

  await test.step('Bob withdraws his answer', async () => {
    await message(bob, 'Nine it is.').getByRole('button', { name: 'Withdraw' }).click();
    await expect(message(bob, 'This message was withdrawn.')).toBeVisible();
    await looks(alice, () => expect(message(alice, 'This message was withdrawn.')).toBeVisible(SOON));
    await expect(message(alice, 'Nine it is.')).toHaveCount(0);
  });

  await test.step('Alice clears it for both', async () => {
    await alice.page.getByRole('button', { name: 'Clear' }).click();
    await alice.page.getByRole('dialog').getByRole('button', { name: 'For both' }).click();
    await expect(message(alice, 'Practice at nine?')).toHaveCount(0);
    await looks(bob, () => expect(message(bob, 'Practice at nine?')).toHaveCount(0, SOON));
    await looks(alice, () => expect(alice.page.getByText('Bob cleared this conversation too.')).toBeVisible(SOON));
  });
});

test('what friends learn of one’s reading, and may clear, can be switched', async () => {
  await bob.go('Settings');
  const marks = bob.page.getByRole('switch', { name: 'Show friends how far I have read' });
  const copy = bob.page.getByRole('switch', { name: /^Keep my copy/u });
  await expect(marks).toBeChecked();
  await expect(copy).not.toBeChecked();
  await copy.check();
  await expect(bob.page.getByRole('status').getByText('That is how it is from now on.')).toBeVisible();
  await bob.page.reload();
  await expect(copy).toBeChecked();
  await expect(marks).toBeChecked();
  await copy.uncheck();
});

test('a post goes to a circle, behind a warning', async () => {
  await alice.go('Friends');
  await alice.page.getByText('Circles', { exact: true }).click();
  await alice.page.getByLabel('New circle').fill('Choir');
  await alice.page.getByRole('button', { name: 'Make a circle' }).click();
  const circle = alice.page.getByRole('listitem').filter({ has: alice.page.getByLabel('New name of Choir') });
  await circle.getByRole('checkbox', { name: 'Bob' }).check();
  await expect(circle.getByText('1 friend')).toBeVisible();
  await alice.go('Feed');
  await alice.page.getByText('All your friends will see this.').click();
  await alice.page.getByRole('combobox', { name: 'Who sees this' }).selectOption('Some friends');
  await expect(alice.page.getByText('Choose at least one circle or friend.')).toBeVisible();
  await alice.page.getByRole('checkbox', { name: 'Choir' }).check();
  await expect(alice.page.getByText('Only Bob will see this.')).toBeVisible();
  await alice.page.getByRole('button', { name: 'Add a content warning' }).click();
  await alice.page.getByLabel('Content warning', { exact: true }).fill('singing');
  await alice.write('We sing **loudly**.');
  await expect(alice.post('singing').getByText('Not for all friends')).toBeVisible();
  await bob.go('Feed');
  await looks(bob, () => expect(bob.post('singing')).toBeVisible(SOON));
  await expect(bob.post('We sing loudly.')).toHaveCount(0);
  await bob.post('singing').getByRole('button', { name: 'Show' }).click();
  await expect(bob.post('We sing loudly.').locator('strong')).toHaveText('loudly');
});

test('what is public is there for whoever comes by, and nothing else', async ({ browser }) => {
  const { page } = alice;
  const visitor = await Person.arrive(browser, 'Dana', alice.deployment);
  await visitor.open('/');
  await visitor.page.getByRole('link', { name: 'Read what is public here' }).click();
  await expect(visitor.page.getByRole('heading', { name: 'Alice', level: 1 })).toBeVisible();
  await expect(visitor.page.getByText('Alice has written nothing for everybody yet.')).toBeVisible();

  await expect(page.getByText('Only Bob will see this.').first(), 'as it was for the last one').toBeVisible();
  await page.getByRole('combobox', { name: 'Who sees this' }).selectOption('Everybody');
  await expect(page.getByText('It stands on a page that needs no sign-in')).toBeVisible();
  await alice.write('We sing in the park on **Sunday**.');
  await expect(alice.post('in the park').getByRole('link', { name: 'Public' })).toBeVisible();
  await expect(page.getByText('All your friends will see this.'), 'the next one is not public by itself').toBeVisible();

  await visitor.page.reload();
  await expect(visitor.post('in the park').locator('strong')).toHaveText('Sunday');
  await expect(visitor.page.getByRole('article')).toHaveCount(1);
  await visitor.page.getByRole('link', { name: 'Sign in' }).click();
  await expect(visitor.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  visitor.watch.expectNothingBad();
  await visitor.leave();

  await alice.post('in the park').getByRole('link', { name: 'Public' }).click();
  await expect(page.getByText('This is what everybody sees who opens this page')).toBeVisible();
  await page.getByRole('link', { name: 'Your feed' }).click();
  await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
  await looks(bob, () => expect(bob.post('in the park')).toBeVisible(SOON));
});
