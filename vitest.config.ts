import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

type Kind = {
  readonly name: string
  readonly include: string[]
  readonly timeoutMs: number
  /** Files share a process: for tests that are many and quick. What they leave open is met by the others. */
  readonly shared?: boolean
  /** One file after the other: figures of one are not those of the load of another. */
  readonly serial?: boolean
  /** Runs before all of its files. */
  readonly setup?: string
}

/** Kills and waits: too slow for every check, quick enough for `npm test`. */
const SLOW = 'packages/*/{src,test}/**/*.slow.test.ts'

/** One project per cost class: `unit` and `e2e` run on any machine; the others find or install what they need. */
const KINDS: readonly Kind[] = [
  {
    name: 'unit',
    include: ['packages/*/{src,test}/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
    timeoutMs: 20_000,
    shared: true,
  },
  { name: 'e2e', include: ['test/{e2e,conformance}/**/*.test.ts', SLOW], timeoutMs: 60_000 },
  { name: 'attacks', include: ['test/attacks/**/*.attack.test.ts'], timeoutMs: 60_000 },
  { name: 'faults', include: ['test/faults/**/*.fault.test.ts'], timeoutMs: 120_000, serial: true },
  { name: 'golden', include: ['test/golden/**/*.test.ts'], timeoutMs: 120_000 },
  { name: 'package', include: ['test/package/**/*.test.ts'], timeoutMs: 240_000 },
  { name: 'prometheus', include: ['test/prometheus/**/*.test.ts'], timeoutMs: 120_000 },
  { name: 'redis', include: ['test/redis/**/*.test.ts'], timeoutMs: 60_000 },
  { name: 's3', include: ['test/s3/**/*.test.ts'], timeoutMs: 600_000 },
  // Tests of what is stored, which run on SQLite elsewhere.
  {
    name: 'postgres',
    include: [
      'test/postgres/**/*.test.ts',
      'test/e2e/{mlflow-trace,promotion}.test.ts',
      'packages/server/src/{artifacts,collection,db,imports,keys,mlflow,promotion,registered,registry,runs,tracking}/**/*.test.ts',
    ],
    timeoutMs: 60_000,
    setup: 'test/postgres/setup.ts',
  },
  { name: 'browser', include: ['test/browser/**/*.test.ts'], timeoutMs: 120_000 },
  { name: 'clients', include: ['test/clients/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'python', include: ['test/python/**/*.test.ts'], timeoutMs: 600_000, serial: true },
  { name: 'mlflow', include: ['test/mlflow/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'container', include: ['test/container/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'nightly', include: ['test/nightly/**/*.test.ts'], timeoutMs: 900_000 },
]

const project = ({ name, include, timeoutMs, shared = false, serial = false, setup }: Kind) => ({
  test: {
    name,
    include,
    exclude: name === 'e2e' || name === 'postgres' ? [] : [SLOW],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: 'forks' as const,
    isolate: !shared,
    fileParallelism: !serial,
    // Where `bin/millwright.js` has it, too: a thread that a test starts has no need to compile its sources anew.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
    ...(setup !== undefined && { globalSetup: setup }),
    ...(name === 'nightly' ? {} : { setupFiles: ['tools/fixed-seed.ts'] }),
  },
})

/** Many files wait most of the time, for processes that start and end. */
const maxWorkers = Math.max(2, availableParallelism() - 1)

export default defineConfig({ test: { maxWorkers, projects: KINDS.map(project) } })
