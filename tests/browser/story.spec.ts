import { expect, test } from './support/test';
import { PASSWORD, Person } from './support/person';

/** What one person's page shows of what another did must come by itself within this time. */
const BY_ITSELF_MS = 25_000;

test('a post travels from one deployment to a friend’s screen on another, and back', async ({ browser, deploy }) => {
  test.setTimeout(180_000);
  const alice = await Person.arrive(browser, 'Alice', await deploy());
  const bob = await Person.arrive(browser, 'Bob', await deploy());

  await test.step('Alice signs in with the first login and sets up', async () => {
    await alice.open('/');
    await expect(alice.page.getByText('admin / password')).toBeVisible();
    await alice.signIn('password');
    await alice.setUp();
    await expect(alice.page.getByText('It is quiet here, still')).toBeVisible();
  });

  await test.step('the first login no longer works, the chosen one does', async () => {
    await alice.signOut();
    await expect(alice.page.getByText('admin / password')).toHaveCount(0);
    alice.watch.allow(/401/u);
    await alice.signIn('password');
    await expect(alice.page.getByRole('alert').getByText('not right')).toBeVisible();
    await alice.signIn(PASSWORD);
    await expect(alice.page.getByRole('heading', { name: 'Feed', exact: true })).toBeVisible();
  });

  await test.step('Bob sets up', async () => {
    await bob.open('/');
    await bob.signIn('password');
    await bob.setUp();
  });

  await test.step('Alice asks Bob, and his open page shows it', async () => {
    await alice.ask(bob, 'Hello Bob, it is me from the choir.');
    await expect(bob.page.getByRole('navigation').getByText('(1 request)')).toBeAttached({ timeout: BY_ITSELF_MS });
    await bob.go('Friends');
    await expect(bob.page.getByRole('article', { name: 'Alice' }).getByText('Hello Bob, it is me from the choir.')).toBeVisible();
    await expect(bob.page.getByText('Not verified yet')).toBeVisible();
  });

  await test.step('Bob accepts, and Alice’s open page shows it', async () => {
    await bob.accept(alice);
    await expect(alice.page.getByRole('heading', { name: 'Your friends' })).toBeVisible({ timeout: BY_ITSELF_MS });
  });

  await test.step('Alice writes, and it appears on Bob’s open feed without a reload', async () => {
    await alice.go('Feed');
    await bob.go('Feed');
    await bob.page.evaluate(() => Object.assign(window, { neverReloaded: true }));
    await alice.write('Good news travels <b>directly</b>.');
    await expect(bob.post('Good news travels <b>directly</b>.')).toBeVisible({ timeout: BY_ITSELF_MS });
    expect(await bob.page.evaluate(() => 'neverReloaded' in window)).toBe(true);
  });

  await test.step('Bob answers, and it appears on Alice’s', async () => {
    await bob.write('Received!');
    await expect(alice.post('Received!')).toBeVisible({ timeout: BY_ITSELF_MS });
  });

  await test.step('both survive a reload', async () => {
    for (const person of [alice, bob]) {
      await person.page.reload();
      await expect(person.post('Good news travels')).toBeVisible();
      await expect(person.post('Received!')).toBeVisible();
    }
  });

  await test.step('posts that arrive while Alice is reading are announced and do not move the page', async () => {
    for (let number = 1; number <= 6; number += 1) await alice.write(`A longer thought, number ${number}.\n${'line\n'.repeat(8)}`);
    await expect(alice.post('number 6')).toBeVisible();
    await expect(alice.page.getByText('Sending…')).toHaveCount(0);
    await alice.page.evaluate(() => window.scrollTo(0, 900));
    const reading = alice.post('number 4');
    const before = await reading.boundingBox();
    await bob.write('First from Bob while Alice reads.');
    await bob.write('Second from Bob while Alice reads.');
    const announced = alice.page.getByRole('button', { name: '2 new posts' });
    await expect(announced).toBeVisible({ timeout: BY_ITSELF_MS });
    expect((await reading.boundingBox())?.y).toBe(before?.y);
    await announced.click();
    await expect(alice.post('Second from Bob')).toBeInViewport();
  });

  await test.step('Alice deletes a post', async () => {
    await alice.post('number 6').getByRole('button', { name: 'Delete post' }).click();
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(alice.post('number 6')).toHaveCount(0);
    await alice.page.reload();
    await expect(alice.post('number 5')).toBeVisible();
    await expect(alice.post('number 6')).toHaveCount(0);
  });

  await test.step('Bob unfriends Alice', async () => {
    await bob.go('Friends');
    await bob.page.getByRole('button', { name: 'Unfriend' }).click();
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Unfriend' }).click();
    await expect(bob.page.getByText('No friends here yet')).toBeVisible();
  });

  for (const person of [alice, bob]) {
    person.watch.expectNothingBad();
    await person.leave();
  }
});
