import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './millwright.ts'

/** A forest of a hundred trees, and 500 customers it was not trained on. */
export const FOREST = join(ROOT, 'examples/churn/models/churn_model_v3.pkl')
export const heldOut = JSON.parse(readFileSync(join(ROOT, 'examples/churn/expected.json'), 'utf8')) as {
  readonly features: string[]
  readonly rows: number[][]
  readonly churned: number[]
}

/** A model the engine's tests carry. */
export const fixture = (name: string): string => join(ROOT, 'packages/engine/test/fixtures', name)

/** Writes rows and a label for each as CSV. */
export function writeRows(
  path: string,
  header: readonly string[],
  rows: readonly (readonly unknown[])[],
): string {
  writeFileSync(path, [header.join(), ...rows.map((row) => row.join())].join('\n'))
  return path
}

/** The customers with a column `churned`. */
export const writeCustomers = (
  path: string,
  label: (row: number) => string,
  count = heldOut.rows.length,
): string =>
  writeRows(
    path,
    [...heldOut.features, 'churned'],
    heldOut.rows.slice(0, count).map((values, row) => [...values, label(row)]),
  )
