import { test as base } from '@playwright/test';
import { Deployment } from './deployment';

/** Starts deployments and has them end with the worker, whatever happens to the tests. */
export const test = base.extend<object, { deploy: () => Promise<Deployment> }>({
  deploy: [
    async ({}, use) => {
      const started: Deployment[] = [];
      await use(async () => {
        const deployment = await Deployment.start();
        started.push(deployment);
        return deployment;
      });
      await Promise.all(started.map((deployment) => deployment.stop()));
    },
    { scope: 'worker' },
  ],
});

export { expect } from '@playwright/test';
