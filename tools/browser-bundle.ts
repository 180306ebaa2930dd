import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildResult, build, type Plugin } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '..')
const ENGINE = join(ROOT, 'packages/engine/src')

type Keyed = { readonly name?: string; readonly names?: readonly string[] }

/**
 * Files that list what the engine knows, by name. In Node everything is there from the start; a page gets the file of a
 * class or an operation when a model names it.
 */
const LISTS = {
  'sklearn/support.ts': { find: 'findFamily', what: 'class', absent: 'return undefined' },
  'ops/registry.ts': {
    find: 'getOp',
    what: 'operation',
    absent: "throw new RangeError('unknown operation ' + name)",
  },
} satisfies Record<string, LazyList>

type LazyList = { readonly find: string; readonly what: string; readonly absent: string }

/** What is exported by the file: families (lists of entries with `names`) or operations (entries with a `name`). */
const entriesOf = (module: object): Keyed[] =>
  Object.values(module)
    .flat()
    .filter((entry) => typeof entry?.infer === 'function' || typeof entry?.lower === 'function')

const namesOf = ({ name, names }: Keyed): readonly string[] => names ?? [name!]

/** The same list, whose lookup throws CodeNeeded until the file that has the name is there. */
async function lazyList(path: string, { find, what, absent }: LazyList): Promise<string> {
  const imports = [...readFileSync(path, 'utf8').matchAll(/^import (?!type).* from '(\.[^']+)'/gm)]
  const files = await Promise.all(
    imports.map(async ([, file]) => {
      const module = (await import(pathToFileURL(join(dirname(path), file!)).href)) as object
      return { file: file!, names: entriesOf(module).flatMap(namesOf) }
    }),
  )
  const rows = files
    .filter(({ names }) => names.length > 0)
    .map(({ file, names }) => `[${JSON.stringify(names.join(' '))}, () => import('${file}')]`)
  return `
    import { CodeNeeded } from '../library/code-needed.ts'
    const files = [${rows.join(', ')}]
    const loads = new Map(files.flatMap(([names, load]) => names.split(' ').map((name) => [name, load])))
    const known = new Map()
    const add = (module) => {
      for (const entry of Object.values(module).flat())
        for (const name of entry?.names ?? [entry?.name]) if (loads.has(name)) known.set(name, entry)
    }
    export function ${find}(name) {
      const entry = known.get(name)
      const load = loads.get(name)
      if (entry !== undefined) return entry
      if (load === undefined) ${absent}
      throw new CodeNeeded('the ${what} ' + name, async () => add(await load()))
    }`
}

const lazyLists: Plugin = {
  name: 'lazy-lists',
  setup(plugin) {
    for (const [file, list] of Object.entries(LISTS)) {
      const path = join(ENGINE, file)
      plugin.onLoad({ filter: new RegExp(`${file.replace('.', '\\.')}$`) }, async () => ({
        contents: await lazyList(path, list),
        resolveDir: dirname(path),
        loader: 'js',
      }))
    }
  },
}

/** Functions of rare kinds of files, by who imports them: fetched when they are called for the first time. */
const RARE: Readonly<Record<string, readonly string[]>> = {
  'bytes/decompress.ts': ['./bzip2.ts', './lz4.ts', './lzma.ts', './xz.ts'],
  'formats/containers.ts': ['./skops/read.ts'],
  'platform/portable.ts': ['./inflate.ts', './sha256.ts'],
}

/** The same functions, that throw CodeNeeded until their file is there. */
async function lazyFunctions(path: string): Promise<string> {
  const names = Object.keys((await import(pathToFileURL(path).href)) as object)
  return `
    import { CodeNeeded } from '${join(ENGINE, 'library/code-needed.ts')}'
    let file
    const load = async () => { file = await import('${path}') }
    ${names
      .map(
        (name) => `export const ${name} = (...args) => {
      if (file === undefined) throw new CodeNeeded('${name}', load)
      return file.${name}(...args)
    }`,
      )
      .join('\n')}`
}

const rareFunctions: Plugin = {
  name: 'rare-functions',
  setup(plugin) {
    for (const [importer, files] of Object.entries(RARE))
      for (const file of files)
        plugin.onResolve({ filter: new RegExp(`^${file.replaceAll('.', '\\.')}$`) }, (asked) =>
          asked.importer === join(ENGINE, importer)
            ? { path: resolve(dirname(asked.importer), file), namespace: 'rare' }
            : undefined,
        )
    plugin.onLoad({ filter: /.*/, namespace: 'rare' }, async ({ path }) => ({
      contents: await lazyFunctions(path),
      resolveDir: dirname(path),
      loader: 'js',
    }))
  },
}

/**
 * The kernel for large batches, and a generator of the steps to build it. In a page its first step is to fetch its file, and
 * where that fails the other kernel stays.
 */
const batchKernel: Plugin = {
  name: 'batch-kernel',
  setup(plugin) {
    plugin.onResolve({ filter: /^\.\/mux\.ts$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      namespace: 'batch',
    }))
    plugin.onLoad({ filter: /.*/, namespace: 'batch' }, ({ path }) => ({
      contents: `
        let file
        export function* buildMux(...args) {
          import('${path}').then((module) => { file = module }, () => {})
          while (file === undefined) yield
          return yield* file.buildMux(...args)
        }
        export const muxBlock = (...args) => file.muxBlock(...args)`,
      resolveDir: dirname(path),
      loader: 'js',
    }))
  },
}

/** The engine for browsers: `engine.js` and the chunks it fetches when a model needs them. */
export function bundleForBrowsers(folder: string): Promise<BuildResult<{ metafile: true; write: true }>> {
  return build({
    absWorkingDir: ROOT,
    entryPoints: { engine: join(ENGINE, 'browser/index.ts') },
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    chunkNames: 'chunk-[hash]',
    plugins: [lazyLists, rareFunctions, batchKernel],
    legalComments: 'none',
    logLevel: 'warning',
  })
}
