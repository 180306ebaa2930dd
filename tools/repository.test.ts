import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ERRORS } from '@millwright/contracts'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = (path: string): Manifest => JSON.parse(read(path)) as Manifest

type Manifest = {
  readonly version: string
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly allowScripts?: Record<string, boolean>
}

const packages = readdirSync(join(ROOT, 'packages')).map((name) => manifest(`packages/${name}/package.json`))
const root = manifest('package.json')

test('what the published package depends on is what its parts depend on', () => {
  const union = Object.assign({}, ...packages.map((part) => part.dependencies)) as Record<string, string>
  const foreign = Object.fromEntries(
    Object.entries(union).filter(([name]) => !name.startsWith('@millwright/')),
  )

  expect(root.dependencies).toEqual(foreign)
})

test('what its parts can do without, the published package can do without, in the same version', () => {
  const union = Object.assign({}, ...packages.map((part) => part.optionalDependencies)) as Record<
    string,
    string
  >

  expect(union).toEqual({ 'onnxruntime-node': expect.any(String) })
  expect(root.optionalDependencies).toMatchObject(union)
  expect(read('packages/runtime/src/host.ts')).toContain(`'onnxruntime-node@${union['onnxruntime-node']}'`)
})

test('no package runs a script when it is installed', () => {
  const scripts = Object.entries(
    JSON.parse(read('package-lock.json')).packages as Record<string, { hasInstallScript?: true }>,
  )
    .filter(([, entry]) => entry.hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))

  expect(scripts.filter((name) => root.allowScripts?.[name] !== false)).toEqual([])
})

test('every dependency has an exact version', () => {
  const all = [root, ...packages].flatMap((part) =>
    Object.entries({ ...part.dependencies, ...part.devDependencies, ...part.optionalDependencies }),
  )

  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('the version is the same everywhere it is written', () => {
  const versions = [
    root.version,
    ...packages.map((part) => part.version),
    ...['packages/server/src/version.ts', 'packages/cli/src/version.ts'].map(
      (path) => /VERSION = '([^']+)'/.exec(read(path))![1],
    ),
  ]

  expect(new Set(versions).size).toBe(1)
})

test('the lock file names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved": "http/)
})

test('docs/errors.md explains every error there is and none besides', () => {
  const documented = [...read('docs/errors.md').matchAll(/^## ([A-Z_]+)$/gm)].map((match) => match[1])

  expect(documented.sort()).toEqual(Object.keys(ERRORS).sort())
})

test('every decision record fits on a page', () => {
  const long = readdirSync(join(ROOT, 'docs/adr')).filter(
    (name) => read(`docs/adr/${name}`).split('\n').length > 70,
  )

  expect(long).toEqual([])
})
