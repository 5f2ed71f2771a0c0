import { defineConfig } from '@playwright/test';

/** Real Chromium against real deployments. The browser is the system's: nothing is ever downloaded. */
export default defineConfig({
  testDir: '.',
  // Pictures for the README are taken when somebody wants them, not tested.
  testIgnore: process.env.TIDINGS_SHOTS === '1' ? [] : ['shots.spec.ts'],
  outputDir: 'results',
  // The deployments and the browser share the machine with everything else that is tested: one after the other.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    viewport: { width: 1200, height: 800 },
    locale: 'en-GB',
    actionTimeout: 15_000,
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
