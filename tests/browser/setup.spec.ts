import { readFile } from 'node:fs/promises';
import { expect, test } from './support/test';
import { Person } from './support/person';

test('the recovery words must be kept before anything is sent, and only one setup wins', async ({ browser, deploy }) => {
  const deployment = await deploy();
  const alice = await Person.arrive(browser, 'Alice', deployment);
  const mallory = await Person.arrive(browser, 'Mallory', deployment);
  const { page } = alice;

  for (const person of [alice, mallory]) {
    await person.open('/');
    await person.signIn('password');
  }

  await test.step('a weak or mistyped password is refused', async () => {
    await page.getByLabel('New password').fill('short');
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page.getByText('Use at least 8 characters.')).toBeVisible();
    await page.getByLabel('New password').fill('password');
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page.getByText('Choose another.')).toBeVisible();
    await page.getByLabel('New password').fill('long enough');
    await page.getByLabel('The same again').fill('long enoug');
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page.getByText('The two do not match.')).toBeVisible();
    await alice.choosePassword();
  });

  await test.step('the words can be downloaded and stay the same when one goes back', async () => {
    await alice.giveName();
    const words = await page.locator('[data-word]').allTextContents();
    expect(words).toHaveLength(24);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    const file = await readFile(await download.path(), 'utf8');
    words.forEach((word, index) => expect(file).toContain(`${index + 1}. ${word}`));
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await page.locator('[data-word]').allTextContents()).toEqual(words);
  });

  await test.step('wrong words are named and nothing is sent', async () => {
    const sent: string[] = [];
    page.on('request', (request) => request.method() !== 'GET' && sent.push(request.url()));
    const words = await alice.keepWords();
    await alice.confirmWords([...words].fill('zebra'));
    await expect(page.getByText(/Word \d+ is a different one/u)).not.toHaveCount(0);
    expect(sent).toEqual([]);
    await alice.confirmWords(words);
    await expect(page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
    expect(sent).toEqual([`${deployment.address}/api/setup`]);
  });

  await test.step('whoever comes second is told', async () => {
    mallory.watch.allow(/409|401/u);
    await mallory.choosePassword('a password of mallory');
    await mallory.giveName();
    await mallory.confirmWords(await mallory.keepWords());
    await expect(mallory.page.getByRole('heading', { name: 'Somebody else was faster' })).toBeVisible();
    await mallory.page.getByRole('button', { name: 'Go to sign-in' }).click();
    await expect(mallory.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });

  for (const person of [alice, mallory]) {
    person.watch.expectNothingBad();
    await person.leave();
  }
});
