import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { interpret } from '../packages/engine/src/exec/reference.ts'
import { readModelFile } from '../packages/engine/src/formats/read-file.ts'
import { type Inert, InertObject } from '../packages/engine/src/pickle/values.ts'
import { Estimator } from '../packages/engine/src/sklearn/estimator.ts'
import { findFamily } from '../packages/engine/src/sklearn/support.ts'
import { type GoldenCase, listCases } from '../packages/engine/test/fixture.ts'
import { faultsOf } from '../packages/engine/test/run-case.ts'

/**
 * node tools/verified-versions.ts FOLDER…: writes sklearn/verified.ts anew from folders of golden cases: which classes gave
 * the answers of which scikit-learn, and the private attributes that those versions write.
 */
const PAGE = new URL('../packages/engine/src/sklearn/verified.ts', import.meta.url)

type Found = { readonly classes: Map<string, Set<string>>; readonly attributes: Set<string> }

/** Every object of a pickle, once. */
function* objectsIn(root: Inert, seen = new Set<Inert>()): Generator<InertObject> {
  if (typeof root !== 'object' || root === null || seen.has(root)) return
  seen.add(root)
  if (root instanceof InertObject) {
    yield root
    yield* objectsIn(root.state, seen)
  } else if (root instanceof Map) for (const value of root.values()) yield* objectsIn(value, seen)
  else if (Array.isArray(root)) for (const value of root) yield* objectsIn(value, seen)
  else if ('data' in root && Array.isArray(root.data))
    for (const value of root.data) yield* objectsIn(value, seen)
}

function look(golden: GoldenCase, found: Found): void {
  const equal = faultsOf(golden, [{ name: 'reference', build: interpret }]).length === 0
  const [file] = Object.keys(golden.meta.files)
  for (const object of objectsIn(readModelFile(readFileSync(join(golden.folder, file!))).root)) {
    if (!object.cls.qualified.startsWith('sklearn.') || !(object.state instanceof Map)) continue
    const estimator = new Estimator(object, [])
    for (const key of estimator.keys) if (/^_.*[^_]$/.test(key)) found.attributes.add(key)
    const { version } = estimator
    if (!equal || version === undefined || findFamily(estimator.name) === undefined) continue
    const versions = found.classes.get(estimator.name) ?? new Set()
    found.classes.set(estimator.name, versions.add(version.split('.').slice(0, 2).join('.')))
  }
}

const byNumber = (a: string, b: string): number =>
  Number(a.split('.')[0]) - Number(b.split('.')[0]) || Number(a.split('.')[1]) - Number(b.split('.')[1])

/** '0.20-1.1 1.3': runs of neighbours among all versions. */
function rangesOf(versions: ReadonlySet<string>, all: readonly string[]): string {
  const runs: string[][] = []
  for (const version of all) {
    if (!versions.has(version)) runs.push([])
    else (runs.at(-1) ?? runs[runs.push([]) - 1]!).push(version)
  }
  return runs.flatMap((run) => (run.length > 1 ? [`${run[0]}-${run.at(-1)}`] : run)).join(' ')
}

function page({ classes, attributes }: Found): string {
  const all = [...new Set([...classes.values()].flatMap((versions) => [...versions]))].sort(byNumber)
  const groups = Map.groupBy([...classes.keys()].sort(), (name) => rangesOf(classes.get(name)!, all))
  const entries = [...groups].map(([ranges, names]) => [
    ranges,
    names.map((name) => name.replace('sklearn.', '')).join(' '),
  ])
  return [
    '/** Written by `node tools/verified-versions.ts`: versions of scikit-learn whose own answers were compared with ours. */',
    `export const VERSIONS: readonly string[] = '${all.join(' ')}'.split(' ')`,
    '',
    '/** Versions, as runs of neighbours, and the classes that gave the answers of all of them. */',
    `export const VERIFIED: readonly (readonly [versions: string, classes: string])[] = ${JSON.stringify(entries)}`,
    '',
    '/** Attributes with a leading underscore that those versions write. */',
    `export const PRIVATE_ATTRIBUTES: ReadonlySet<string> = new Set('${[...attributes].sort().join(' ')}'.split(' '))`,
    '',
  ].join('\n')
}

const found: Found = { classes: new Map(), attributes: new Set() }
for (const folder of process.argv.slice(2))
  for (const golden of listCases(folder))
    if (golden.meta.library === 'scikit-learn' && golden.meta.contract !== 'refuse') look(golden, found)
writeFileSync(PAGE, page(found))
