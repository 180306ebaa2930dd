import { ModelError } from '../errors.ts'
import type { Cell, Lineage, Program } from '../ir/program.ts'
import type { GlobalUse } from '../pickle/unpickle.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { ProgramSize } from '../review/program-size.ts'
import { answeringObject, reasonsOf } from '../sklearn/chain.ts'
import { Estimator, libraryOf } from '../sklearn/estimator.ts'
import { versionOf } from '../sklearn/lower.ts'
import { findFamily } from '../sklearn/support.ts'
import { unverifiedNotes } from '../sklearn/verification.ts'
import { findProgram } from './program.ts'
import type { ModelFile } from './read-file.ts'

/** One estimator inside a model. `path` leads to it from the outside: `["step 'prep'", "transformer 'text'"]`. */
export type ReportStep = {
  readonly path: readonly string[]
  readonly class: string
  /** Of the library that wrote it, where the file says so. */
  readonly version?: string
  /** What it was made with, as far as that is a plain value; without `random_state`. */
  readonly parameters?: Readonly<Record<string, Cell>>
}

/** What a model file says about itself; plain JSON, to show to people. */
export type FileReport = {
  readonly container: ModelFile['container']
  readonly compression: ModelFile['compression']
  /** Pickle protocol. */
  readonly protocol: number
  readonly bytes: number
  readonly decompressedBytes: number
  /** `scikit-learn`, `xgboost` …, as packages are called, or the first part of the class's module. */
  readonly library: string
  readonly libraryVersion: string | null
  /** Qualified class of the outermost estimator. */
  readonly estimator: string
  /** Estimators from the outside in; members of an ensemble are given once per class. */
  readonly steps: readonly ReportStep[]
  /** How several objects were understood as one model, and why; what an ONNX file says of itself. */
  readonly notes: readonly string[]
  /** Which of its versions of scikit-learn were never compared with the library; empty when all were. */
  readonly unverified: readonly string[]
  /** Of a model that was made from another one. */
  readonly lineage?: Lineage
  /** Every name in the file, sorted, with whether loading it in Python would call it. */
  readonly globals: readonly GlobalUse[]
  /** Of the compiled program; absent when the file is refused. */
  readonly size?: ProgramSize
}

const MAX_STEPS = 200
const LABELS_ALONE =
  'this is an encoder of labels alone: next to its model, give it with --encode COLUMN=FILE'

/** Describes a file whose root is `root`. Pure; throws nothing a model file could cause. */
export function reportOf({ root: _, ...file }: ModelFile, root: InertObject): FileReport {
  const program = findProgram(root)
  return { ...file, ...(program === undefined ? describeRoot(root) : describeProgram(program)) }
}

type About = Omit<FileReport, keyof ModelFile>

const describeProgram = ({ origin: { lineage, ...origin } }: Program): About => ({
  ...origin,
  steps: [{ path: [], class: origin.estimator }],
  notes: [],
  unverified: [],
  ...(lineage && { lineage }),
})

function describeRoot(root: InertObject): About {
  const steps: ReportStep[] = []
  const versions: string[] = []
  const estimators: Estimator[] = []
  const answering = answeringObject(root)
  describeEstimator(root, [], { steps, versions, estimators })
  return {
    library: libraryOf(answering.cls.qualified),
    libraryVersion: findVersion(new Estimator(answering, [])) ?? versions[0] ?? null,
    estimator: answering.cls.qualified,
    steps: answering === root ? steps : steps.slice(1),
    notes: [
      ...reasonsOf(root),
      ...notesOf(answering),
      ...(/\.LabelEncoder$/.test(root.cls.qualified) ? [LABELS_ALONE] : []),
    ],
    unverified: unverifiedNotes(estimators),
  }
}

/** What the family of an estimator has to say of it. */
function notesOf(answering: InertObject): readonly string[] {
  const estimator = new Estimator(answering, [])
  return quietly(() => findFamily(estimator.name)?.notesOf?.(estimator)) ?? []
}

type Found = {
  readonly steps: ReportStep[]
  readonly versions: string[]
  readonly estimators: Estimator[]
}

function describeEstimator(object: InertObject, path: readonly string[], found: Found): void {
  if (found.steps.length >= MAX_STEPS) return
  const step = { path, class: object.cls.qualified }
  if (!(object.state instanceof Map)) {
    found.steps.push(step)
    return
  }
  const estimator = new Estimator(object, path)
  found.estimators.push(estimator)
  const version = findVersion(estimator)
  if (version !== undefined) found.versions.push(version)
  found.steps.push({ ...step, ...(version && { version }), parameters: parametersOf(estimator) })
  for (const [step, child] of childrenOf(estimator)) describeEstimator(child, [...path, step], found)
}

/** Most parameters, and longest text of one. */
const MAX_PARAMETERS = 100
const MAX_TEXT = 100

/** Attributes without underscores that are plain values: what the constructor was given. */
function parametersOf(estimator: Estimator): Record<string, Cell> {
  const plain = estimator.keys.flatMap((key): [string, Cell][] => {
    const value = estimator.find(key)
    const isPlain =
      value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
    if (!isPlain || key === 'random_state' || /^_|_$/.test(key)) return []
    if (typeof value === 'string') return [[key, value.slice(0, MAX_TEXT)]]
    return [[key, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value]]
  })
  return Object.fromEntries(plain.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MAX_PARAMETERS))
}

/** What the model inside says, when it can be read. */
const findVersion = (estimator: Estimator): string | undefined => quietly(() => versionOf(estimator))

function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ModelError || error instanceof RangeError) return undefined
    throw error
  }
}

/** Attributes that hold fitted estimators: how their entries are named in a path, and whether they have names. */
const PARTS: readonly (readonly [attribute: string, word: string, named: boolean])[] = [
  ['encoders', 'encoder of', true],
  ['steps', 'step', true],
  ['transformers_', 'transformer', true],
  ['transformer_list', 'transformer', true],
  ['best_estimator_', 'best estimator', false],
  ['regressor_', 'regressor', false],
  ['transformer_', 'transformer', false],
  ['estimator_', 'estimator', false],
  ['estimators_', 'estimator', false],
  ['calibrated_classifiers_', 'calibrated classifier', false],
  ['final_estimator_', 'final estimator', false],
  ['estimator', 'estimator', false],
]

/** Fitted parts; where there are none, the one that would be fitted. Unnamed parts are given once per class. */
function childrenOf(estimator: Estimator): [string, InertObject][] {
  const fitted = PARTS.slice(0, -1).flatMap((part) => partsOf(estimator, part))
  const parts = fitted.length > 0 ? fitted : partsOf(estimator, PARTS.at(-1)!)
  return [...new Map(parts.map((part) => [`${part[0]} ${part[1].cls.qualified}`, part])).values()]
}

function partsOf(estimator: Estimator, part: (typeof PARTS)[number]): [string, InertObject][] {
  const [attribute, word, named] = part
  const value = estimator.find(attribute)
  return named ? namedParts(value, word) : flatten(value).map((object) => [word, object])
}

/** Entries like ('name', estimator) or ('name', estimator, columns). */
function namedParts(value: Inert | undefined, word: string): [string, InertObject][] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry): [string, InertObject][] => {
    const [name, part] = Array.isArray(entry) ? entry : []
    return typeof name === 'string' && isPart(part) ? [[`${word} '${name}'`, part]] : []
  })
}

function flatten(value: Inert | undefined): InertObject[] {
  if (isPart(value)) return [value]
  const list = value instanceof NdArray ? value.data : value
  return Array.isArray(list) ? list.flatMap(flatten) : []
}

const isPart = (value: Inert | undefined): value is InertObject =>
  value instanceof InertObject && !value.called
