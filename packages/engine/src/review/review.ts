import { libraryOf } from '../sklearn/estimator.ts'
import { type Change, changesBetween, type Reviewed } from './changes.ts'

/** `pass`: looked at and fine, or within the stated limit; `fail`: a stated limit is not kept; `note`: for people to judge. */
type Verdict = 'pass' | 'fail' | 'note'

/** One question of a code review, answered about a model. */
export type ReviewAnswer = {
  readonly question: 'dependencies' | 'speed' | 'size' | 'features' | 'changes' | 'names'
  readonly verdict: Verdict
  /** In words, one line. */
  readonly answer: string
  readonly evidence: Readonly<Record<string, unknown>>
}

export type ReviewLimits = {
  /** Longest that 99 of 100 single rows may take, in milliseconds. */
  readonly maxP99Ms?: number | undefined
  /** Largest file. */
  readonly maxBytes?: number | undefined
}

/** What came of looking for the model's columns in somebody's rows. */
export type SampleFinding = {
  readonly rows: number
  readonly missing: readonly string[]
  readonly extra: readonly string[]
  /** Columns with values of another type, each with the first of them in words. */
  readonly wrong: readonly string[]
  /** Rows that the model raises on. */
  readonly refused: number
  readonly firstRefusal: string | null
}

export type ReviewContext = {
  readonly limits?: ReviewLimits
  readonly sample?: SampleFinding | undefined
  /** The model it replaces, and what that is called. */
  readonly against?: { readonly name: string; readonly model: Reviewed } | undefined
}

/** Answers the questions that are asked before a model goes into production, with evidence. */
export function reviewOf(model: Reviewed, context: ReviewContext = {}): ReviewAnswer[] {
  const { limits = {}, sample, against } = context
  return [
    dependencies(model),
    speed(model, limits.maxP99Ms),
    size(model, limits.maxBytes),
    features(model, sample),
    ...(against === undefined ? [] : [changes(model, against)]),
    names(model),
  ]
}

/** Part of Python, or of how it writes values. */
const PYTHON = new Set(
  '__builtin__ builtins _codecs collections copy_reg copyreg datetime decimal fractions functools pathlib uuid'.split(
    ' ',
  ),
)
/** Packages whose models are read here, and what those are made of. */
const LIBRARIES = new Set('_loss catboost joblib lightgbm numpy pandas scipy sklearn xgboost'.split(' '))

const rootOf = (name: string): string => name.split('.')[0]!

function dependencies({ report }: Reviewed): ReviewAnswer {
  const versions = new Map<string, string | null>([[report.library, report.libraryVersion]])
  for (const { class: qualified, version } of report.steps)
    if (version !== undefined) versions.set(libraryOf(qualified), version)
  const unnamed = [...new Set(report.globals.map(({ name }) => rootOf(name)))]
    .filter((root) => root !== '_loss' && !PYTHON.has(root) && !versions.has(libraryOf(root)))
    .map(libraryOf)
  const known = [...versions]
    .map(([name, version]) => `${name} ${version ?? 'of unknown version'}`)
    .join(', ')
  const others = unnamed.length === 0 ? '' : `; without a version: ${unnamed.join(', ')}`
  return {
    question: 'dependencies',
    verdict: [...versions.values()].includes(null) ? 'note' : 'pass',
    answer: `${known}${others}`,
    evidence: { versions: Object.fromEntries(versions), unversioned: unnamed },
  }
}

function speed({ latency }: Reviewed, maxP99Ms: number | undefined): ReviewAnswer {
  const evidence = { latency: latency ?? null, maxP99Ms: maxP99Ms ?? null }
  if (latency === undefined)
    return {
      question: 'speed',
      verdict: maxP99Ms === undefined ? 'note' : 'fail',
      answer: 'not measured: the model raises on every row that was tried',
      evidence,
    }
  const { single, batch } = latency
  const p99Ms = single.p99 / 1000
  const limit = maxP99Ms === undefined ? '' : `, limit ${maxP99Ms} ms`
  return {
    question: 'speed',
    verdict: maxP99Ms === undefined ? 'note' : p99Ms <= maxP99Ms ? 'pass' : 'fail',
    answer: `a row alone p50 ${duration(single.p50)}, p99 ${duration(single.p99)}${limit}; in a batch of ${batch.rows} p50 ${duration(batch.p50)}, p99 ${duration(batch.p99)} a row`,
    evidence,
  }
}

function duration(micros: number): string {
  if (micros >= 1000) return `${(micros / 1000).toFixed(1)} ms`
  return `${micros.toFixed(micros < 10 ? 1 : 0)} µs`
}
const amount = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

function size({ report }: Reviewed, maxBytes: number | undefined): ReviewAnswer {
  const { bytes, decompressedBytes, size: held } = report
  const limit = maxBytes === undefined ? '' : `, limit ${amount(maxBytes)}`
  const trees = held === undefined || held.trees === 0 ? '' : `, ${held.trees} trees`
  const numbers = held === undefined ? '' : `; holds ${held.numbers} numbers${trees}`
  return {
    question: 'size',
    verdict: maxBytes === undefined ? 'note' : bytes <= maxBytes ? 'pass' : 'fail',
    answer: `${amount(bytes)}${limit}, ${amount(decompressedBytes)} unpacked${numbers}`,
    evidence: { bytes, decompressedBytes, ...held, maxBytes: maxBytes ?? null },
  }
}

/** Names that one line shows. */
const LISTED = 8
function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return names.slice(0, LISTED).join(', ') + more
}

function features({ columns }: Reviewed, sample: SampleFinding | undefined): ReviewAnswer {
  const needed = columns.map(({ name }) => name)
  const evidence = { needed, sample: sample ?? null }
  const needs = `${needed.length} columns: ${listed(needed)}`
  if (sample === undefined)
    return { question: 'features', verdict: 'note', answer: `needs ${needs}`, evidence }
  const faults = [
    ...(sample.missing.length === 0 ? [] : [`${sample.missing.length} missing: ${listed(sample.missing)}`]),
    ...sample.wrong.slice(0, LISTED),
    ...(sample.refused === 0 ? [] : [`${sample.refused} rows refused, the first: ${sample.firstRefusal}`]),
  ]
  const extra = sample.extra.length === 0 ? '' : `; not needed: ${listed(sample.extra)}`
  return {
    question: 'features',
    verdict: faults.length === 0 ? 'pass' : 'fail',
    answer: `${faults.join('; ') || `${sample.rows} rows have the ${needs}`}${extra}`,
    evidence,
  }
}

function changes(
  model: Reviewed,
  { name, model: before }: NonNullable<ReviewContext['against']>,
): ReviewAnswer {
  const same = before.digest === model.digest
  const list: Change[] = same ? [] : changesBetween(before, model)
  const what = list.map((change) => change.what)
  return {
    question: 'changes',
    verdict: 'note',
    answer: same
      ? `none: the same file as ${name}`
      : `against ${name}: ${listed(what) || 'trained anew, nothing but fitted numbers differs'}`,
    evidence: { against: name, digest: model.digest, againstDigest: before.digest, changes: list },
  }
}

/** Whatever would run code refuses the file. What is left is named when it is of nobody we know. */
function names({ report: { globals } }: Reviewed): ReviewAnswer {
  const strange = globals.filter(({ name }) => !PYTHON.has(rootOf(name)) && !LIBRARIES.has(rootOf(name)))
  const called = globals.filter((use) => use.called).length
  return {
    question: 'names',
    verdict: strange.length === 0 ? 'pass' : 'note',
    answer:
      strange.length === 0
        ? `${globals.length} names, ${called} of them called while Python loads the file: all build data of known libraries`
        : `of nobody we know: ${listed(strange.map(({ name }) => name))}`,
    evidence: { strange, called: globals.filter((use) => use.called).map(({ name }) => name) },
  }
}
