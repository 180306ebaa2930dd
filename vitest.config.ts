import { defineConfig } from 'vitest/config'

/** One project per cost class: `unit` runs on any machine; the others find or install what they need. */
const project = (name: string, include: string[], testTimeout: number) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
    ...(name === 'nightly' ? {} : { setupFiles: ['tools/fixed-seed.ts'] }),
  },
})

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'tools/**/*.test.ts'],
        20_000,
      ),
      project('e2e', ['test/e2e/**/*.test.ts'], 60_000),
      project('golden', ['test/golden/**/*.test.ts'], 120_000),
      project('package', ['test/package/**/*.test.ts'], 240_000),
      project('prometheus', ['test/prometheus/**/*.test.ts'], 120_000),
      project('browser', ['test/browser/**/*.test.ts'], 120_000),
      project('nightly', ['test/nightly/**/*.test.ts'], 900_000),
      project('container', ['test/container/**/*.test.ts'], 600_000),
    ],
  },
})
