import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@allspark/client': fileURLToPath(new URL('sdk/src/index.ts', import.meta.url)) } },
  test: {
    include: ['{src,test,sdk}/**/*.spec.ts'],
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A second, which it is otherwise, is short on a busy machine, and is no promise of anything.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/support/closing-line-reporter.ts'],
  },
});
