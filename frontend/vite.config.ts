import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running deployment: `cargo xtask serve` starts one there. */
const deployment = process.env.TIDINGS_DEPLOYMENT ?? 'http://127.0.0.1:3000';

export default defineConfig(({ mode }) => ({
  plugins: [tailwindcss(), svelte()],
  build: {
    target: 'es2022',
    // One style sheet for the whole app: a page load must cost as few requests as it can.
    cssCodeSplit: false,
    // Every browser that runs this app knows modulepreload.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The licences of what is bundled, as a file of its own beside the code.
    license: { fileName: 'licences.txt' },
  },
  server: {
    proxy: { '/api': { target: deployment, changeOrigin: true, headers: { origin: deployment } } },
  },
  // State classes are tested as the browser runs them, not as they would render on a server.
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  test: { include: ['src/**/*.test.ts'] },
}));
