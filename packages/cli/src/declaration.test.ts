import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Declared, declarationOf } from './declaration.ts'

const ROOT = new URL('../../../', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'millwright-types-'))
afterAll(() => rmSync(folder, { recursive: true }))

const column = { nullable: false, null: 'NaN', infinite: false, unknown: 'accepted' } as const

const declared = {
  name: 'churn-eu.2',
  model: 'churn',
  version: { number: 3, label: 'v3', digest: '' },
  revision: {
    config: {
      version: 3,
      decision: { threshold: 0.5, bands: [{ name: 'high', above: 0.8 }, { name: 'it\'s "low" */' }] },
    },
  },
  schema: {
    inputs: [
      { ...column, name: 'age', type: 'number', nullable: true, infinite: true },
      { ...column, name: 'plan', type: 'string', categories: ['basic', 'pro'], unknown: 'refused' },
      { ...column, name: 'city "*/', type: 'string', categories: ['Zürich */ x', 'Bern\u2028'] },
      {
        ...column,
        name: 'rooms',
        type: 'integer',
        categories: [1, 2, 3],
        unknown: 'refused',
        nullable: true,
      },
      { ...column, name: 'new', type: 'boolean' },
      { ...column, name: 'tags', type: 'list' },
      { ...column, name: 'facts', type: 'object' },
      { ...column, name: 'id', type: 'any' },
    ],
    outputs: [
      { name: 'predict', dtype: 'object', shape: 'vector' },
      { name: 'predict_proba', dtype: 'float64', shape: 'matrix' },
    ],
    classes: [['no', 'yes']],
  },
} as unknown as Declared

/** A program that takes the types: what is right in it and, line by line, what is not. */
const PROGRAM = `
import type { ChurnEu2Answer, ChurnEu2Label, ChurnEu2Request, ChurnEu2Row } from './churn.d.ts'

const row: ChurnEu2Row = {
  age: 'Infinity', plan: 'pro', 'city "*/': 'Basel', rooms: null, new: true, tags: ['a'], facts: { b: 1 }, id: 'c',
}
export const one: ChurnEu2Request = { row, outputs: ['predict_proba'] }
export const many: ChurnEu2Request = { rows: [row, { ...row, age: null }], ids: ['1', '2'] }
export function read({ prediction }: ChurnEu2Answer): [ChurnEu2Label, number, string] {
  return [prediction!.prediction, prediction!.probabilities.yes, prediction!.decision.band ?? prediction!.decision.outcome]
}
// @ts-expect-error a plan that was not seen in training is refused
export const plan: ChurnEu2Row = { ...row, plan: 'gold' }
// @ts-expect-error a missing flag is refused
export const flag: ChurnEu2Row = { ...row, new: null }
// @ts-expect-error a method that the model has not
export const method: ChurnEu2Request = { row, outputs: ['transform'] }
// @ts-expect-error no class of the model
export const label: ChurnEu2Label = 'perhaps'
// @ts-expect-error a row and rows
export const both: ChurnEu2Request = { row, rows: [row] }
`

/** What the compiler says. */
function compile(): string {
  const program = join(folder, 'program.ts')
  try {
    execFileSync(
      join(ROOT, 'node_modules/.bin/tsc'),
      [
        ...['--strict', '--noEmit', '--skipLibCheck', 'false', '--allowImportingTsExtensions'],
        ...['--module', 'nodenext', '--target', 'es2024', '--types', '', program],
      ],
      { cwd: folder },
    )
    return ''
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout)
  }
}

test('a program that keeps to the types compiles, and one that does not does not', () => {
  writeFileSync(join(folder, 'churn.d.ts'), declarationOf(declared))
  writeFileSync(join(folder, 'program.ts'), PROGRAM)

  expect(compile()).toBe('')
})

test('a regressor of several outputs predicts a list of numbers', () => {
  const schema = {
    inputs: declared.schema.inputs.slice(0, 1),
    outputs: [{ name: 'predict', dtype: 'float64', shape: 'matrix' }],
    classes: [],
  }
  const text = declarationOf({
    ...declared,
    name: '2nd',
    revision: { config: { version: 1 } },
    schema,
  } as unknown as Declared)

  expect(text).toContain('export type Model2ndLabel = readonly number[]')
  expect(text).not.toMatch(/probabilities|decision/)
})
