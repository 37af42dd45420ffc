import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@allspark/client': fileURLToPath(new URL('sdk/src/index.ts', import.meta.url)) } },
  test: {
    include: ['{src,test,sdk}/**/*.spec.ts'],
    isolate: false,
    // No promises, only how soon is told that something hangs: on a busy machine all takes many times as long as else.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 50_000 } },
    reporters: ['default', './test/support/closing-line-reporter.ts'],
  },
});
