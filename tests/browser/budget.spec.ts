import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './support/deployment';
import { expect, test } from './support/test';
import { Person } from './support/person';

const KB = 1024;

/** What a visit cost the deployment: requests that reached it, those for files apart from those for data. */
class Visit {
  readonly files: string[] = [];
  readonly data: string[] = [];

  static async to(page: Page, url: string): Promise<Visit> {
    const visit = new Visit();
    const session = await page.context().newCDPSession(page);
    const cached = new Set<string>();
    const asked = new Map<string, string>();
    session.on('Network.requestWillBeSent', ({ requestId, request }) => asked.set(requestId, request.url));
    session.on('Network.requestServedFromCache', ({ requestId }) => cached.add(requestId));
    session.on('Network.responseReceived', ({ requestId, response }) => response.fromDiskCache && cached.add(requestId));
    await session.send('Network.enable');
    await page.goto(url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    await session.detach();
    for (const [id, address] of asked) {
      const { protocol, pathname } = new URL(address);
      if (cached.has(id) || protocol === 'data:') continue;
      (pathname.startsWith('/api/') ? visit.data : visit.files).push(pathname);
    }
    return visit;
  }
}

test('a first visit costs at most 4 requests for files and little code, a return visit 1', async ({ browser, deploy }) => {
  const alice = await Person.arrive(browser, 'Alice', await deploy());
  const { page, deployment, watch } = alice;
  let code = 0;
  page.on('response', async (response) => {
    if (response.request().resourceType() === 'script') code += gzipSync(await response.body(), { level: 9 }).length;
  });

  const first = await Visit.to(page, deployment.address);
  expect(first.files.length, first.files.join(' ')).toBeLessThanOrEqual(4);
  expect(first.data).toEqual(['/api/session']);
  expect(code, 'first-load JavaScript, gzipped').toBeLessThanOrEqual(90 * KB);
  expect(code).toBeGreaterThan(0);

  await alice.signIn('password');
  await alice.setUp();
  const again = await Visit.to(page, deployment.address);
  expect(again.files).toEqual(['/']);
  expect(again.data.length, again.data.join(' ')).toBeLessThanOrEqual(4);

  watch.expectNothingBad();
  await alice.leave();
});

test('all code and styles together stay small', async () => {
  const assets = join(ROOT, 'frontend/dist/assets');
  const names = (await readdir(assets)).filter((name) => /\.(js|css)$/u.test(name));
  const sizes = await Promise.all(names.map(async (name) => gzipSync(await readFile(join(assets, name)), { level: 9 }).length));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(300 * KB);
});

test('an open tab that is hidden asks nothing', async ({ browser, deploy }) => {
  const alice = await Person.settle(browser, 'Alice', await deploy());
  const { page } = alice;
  let polls = 0;
  page.on('request', (request) => request.url().endsWith('/api/changes') && (polls += 1));
  await expect.poll(() => polls).toBeGreaterThan(0);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await page.waitForTimeout(500);
  polls = 0;
  await page.waitForTimeout(6_000);
  expect(polls).toBe(0);
  alice.watch.expectNothingBad();
  await alice.leave();
});
