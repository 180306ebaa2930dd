import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** npm run build: the published form. One file per process in dist/, shared code in chunks, types in dist/types/. */
const ROOT = resolve(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
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
    external: Object.keys(manifest.dependencies),
    chunkNames: 'chunk-[hash]',
    plugins: [startBuiltFiles],
    legalComments: 'none',
    logLevel: 'warning',
  })
}

/** Declarations of what other programs import, with our own packages as relative paths. */
function declareTypes(): void {
  const out = join(DIST, 'types')
  const entries = ['client', 'contracts', 'engine'].map((name) => `packages/${name}/src/index.ts`)
  const options = [
    '--declaration',
    '--emitDeclarationOnly',
    '--noEmit',
    'false',
    '--rootDir',
    'packages',
    '--outDir',
    out,
  ]
  const config = { extends: '../tsconfig.json', files: entries.map((entry) => `../${entry}`), include: [] }
  const path = join(DIST, 'tsconfig.json')
  writeFileSync(path, JSON.stringify(config))
  execFileSync('tsc', ['-p', path, ...options, '--rootDir', join(ROOT, 'packages')], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  rmSync(path)
  for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.d.ts'),
  )) {
    const full = join(out, file)
    const toPackages = relative(dirname(full), out) || '.'
    const text = readFileSync(full, 'utf8')
      .replace(/(['"])@millwright\/(\w+)\1/g, `'${toPackages}/$2/src/index.js'`)
      .replace(/(from |import\()(['"])(\.[^'"]+)\.ts\2/g, "$1'$3.js'")
    writeFileSync(full, text)
  }
}

rmSync(DIST, { recursive: true, force: true })
mkdirSync(DIST)
await bundle()
declareTypes()
