import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { bundleForBrowsers } from './browser-bundle.ts'

/**
 * npm run build: the published form. One file per process in dist/, shared code in chunks, the engine for browsers in
 * dist/browser/, types in dist/types/.
 */
const ROOT = resolve(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}

/** Files started as a process or worker of their own, named by `new URL('./name.ts', import.meta.url)`. */
const OWN_FILE = /new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g

const sources = readdirSync(join(ROOT, 'packages'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /^\w+\/src\/.*\.ts$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => join(ROOT, 'packages', file))

const ownFiles = sources.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(OWN_FILE)].map((match) => join(dirname(file), `${match[1]}.ts`)),
)

const entryPoints = {
  cli: 'packages/cli/src/main.ts',
  server: 'packages/server/src/main.ts',
  client: 'packages/client/src/index.ts',
  engine: 'packages/engine/src/index.ts',
  ...Object.fromEntries(ownFiles.map((file) => [basename(file, '.ts'), file])),
}

/** In dist/ all files lie in one folder and end in .js. */
const startBuiltFiles: Plugin = {
  name: 'start-built-files',
  setup(plugin) {
    plugin.onLoad({ filter: /packages[\\/]\w+[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(OWN_FILE, "new URL('./$1.js', import.meta.url)"),
      loader: 'ts',
    }))
  },
}

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints,
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    chunkNames: 'chunk-[hash]',
    plugins: [startBuiltFiles],
    legalComments: 'none',
    logLevel: 'warning',
  })
}

const OUR_PACKAGE = /(['"])@millwright\/(\w+)\1/g
const SOURCE_FILE = /(['"])(\.[^'"]+)\.ts\1/g

/** Packages whose types other programs see. */
const PUBLISHED = ['contracts', 'client', 'engine']

/** Emits declarations of whole packages into `folder`; `npm run check` has checked their types. */
function emitDeclarations(folder: string): void {
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: '../packages',
      outDir: folder,
      // Reached through node_modules a package of ours would count as foreign, and not be emitted.
      paths: Object.fromEntries(
        PUBLISHED.map((name) => [`@millwright/${name}`, [`../packages/${name}/src/index.ts`]]),
      ),
    },
    files: [
      ...PUBLISHED.map((name) => `../packages/${name}/src/index.ts`),
      '../packages/engine/src/browser/index.ts',
    ],
    include: [],
  }
  const path = join(DIST, 'tsconfig.json')
  writeFileSync(path, JSON.stringify(config))
  execFileSync('tsc', ['-p', path], { stdio: 'inherit' })
  rmSync(path)
}

/** Declarations of what other programs import, and of nothing that cannot be reached from there. */
function declareTypes(): void {
  const emitted = join(DIST, 'emitted')
  emitDeclarations(emitted)
  // Grows while it is walked through.
  const reached = new Set(['client/src/index.d.ts', 'engine/src/index.d.ts', 'engine/src/browser/index.d.ts'])
  for (const file of reached) {
    const toRoot = relative(dirname(file), '.')
    const text = readFileSync(join(emitted, file), 'utf8')
      .replace(OUR_PACKAGE, `'${toRoot}/$2/src/index.ts'`)
      .replace(SOURCE_FILE, (_, _quote, path: string) => {
        reached.add(join(dirname(file), `${path}.d.ts`))
        return `'${path}.js'`
      })
    const target = join(DIST, 'types', file)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  rmSync(emitted, { recursive: true })
}

rmSync(DIST, { recursive: true, force: true })
mkdirSync(DIST)
await bundle()
await bundleForBrowsers(join(DIST, 'browser'))
declareTypes()
