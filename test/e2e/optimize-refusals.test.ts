import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FOREST, fixture, heldOut, writeCustomers, writeRows } from '../support/labelled-rows.ts'
import { cli, removeFolder, temporaryFolder } from '../support/millwright.ts'

let folder: string
let data: string

beforeAll(() => {
  folder = temporaryFolder()
  data = tableOf('held-out.csv', (row) => String(heldOut.churned[row]))
})
afterAll(() => removeFolder(folder))

const tableOf = (name: string, label: (row: number) => string, count?: number): string =>
  writeCustomers(join(folder, name), label, count)

const optimize = (model: string, ...options: string[]) =>
  cli(['optimize', model, '--target', 'churned', ...options])

describe('what cannot be optimized is refused with the reason', () => {
  const failures: readonly (readonly [
    string,
    () => Promise<{ code: number; stderr: string }>,
    number,
    string,
  ])[] = [
    ['no rows', () => cli(['optimize', FOREST, '--target', 'y']), 2, 'missing --data'],
    ['no target', () => cli(['optimize', FOREST, '--data', data]), 2, 'missing --target'],
    [
      'a target that is not there',
      () => cli(['optimize', FOREST, '--data', data, '--target', 'churn']),
      1,
      'the rows have no column "churn"',
    ],
    [
      'one class',
      () =>
        optimize(
          FOREST,
          '--data',
          tableOf('one.csv', () => '1'),
        ),
      1,
      'every row has the same churned',
    ],
    [
      'few rows',
      () =>
        optimize(
          FOREST,
          '--data',
          tableOf('few.csv', (row) => String(heldOut.churned[row]), 29),
        ),
      1,
      '29 rows have a churned; at least 30 are needed',
    ],
    [
      'labels the model does not know',
      () =>
        optimize(
          FOREST,
          '--data',
          tableOf('text.csv', (row) => (row === 3 ? 'maybe' : '0')),
        ),
      1,
      'row 4: churned is "maybe", and the model knows 0, 1',
    ],
    [
      'a metric that is none',
      () => optimize(FOREST, '--data', data, '--metric', 'f1'),
      2,
      '--metric takes auc, accuracy',
    ],
    [
      'a distance of classes',
      () => optimize(FOREST, '--data', data, '--metric', 'mae'),
      1,
      'the model answers classes',
    ],
    [
      'more trees than there are',
      () => optimize(FOREST, '--data', data, '--trees', '101'),
      1,
      'has 100 trees',
    ],
    [
      'a margin that is no number',
      () => optimize(FOREST, '--data', data, '--margin', 'much'),
      2,
      '--margin takes a number',
    ],
    [
      'writing over the model',
      () => optimize(FOREST, '--data', data, '--write', FOREST),
      2,
      '--write would replace the model itself',
    ],
    [
      'text for a regressor',
      () =>
        cli([
          'optimize',
          fixture('scikit-learn-1.7.2/bagging-regression/model.compress3.joblib'),
          '--data',
          sixtyRows('words.csv', 5, (row) => (row % 2 === 0 ? 'high' : 'low')),
          '--target',
          'y',
        ]),
      1,
      'row 1: y is "high", and the model answers numbers',
    ],
    [
      'depth without inner values',
      () =>
        cli([
          'optimize',
          fixture('xgboost-2.1.4/xgb-dart/model.json'),
          '--data',
          sixtyRows('numbers.csv', columnsOf('xgboost-2.1.4/xgb-dart'), (row) => String(row % 2)),
          '--target',
          'y',
          '--depth',
          '2',
        ]),
      1,
      'the file does not say what inner nodes of its trees would answer',
    ],
    [
      'a machine of support vectors',
      () =>
        cli([
          'optimize',
          fixture('scikit-learn-1.7.2/svc-probability-three/model.joblib'),
          '--data',
          sixtyRows('three.csv', columnsOf('scikit-learn-1.7.2/svc-probability-three'), (row) =>
            String(row % 3),
          ),
          '--target',
          'y',
        ]),
      1,
      'neither trees nor linear weights',
    ],
  ]

  const columnsOf = (name: string): number =>
    (JSON.parse(readFileSync(fixture(`${name}/input.json`), 'utf8')) as { columns: unknown[] }).columns.length

  /** Rows of numbers, by position. */
  function sixtyRows(name: string, columns: number, label: (row: number) => string): string {
    const path = join(folder, name)
    const header = [...Array.from({ length: columns }, (_, i) => `c${i}`), 'y']
    const rows = Array.from({ length: 60 }, (_, row) => [
      ...Array.from({ length: columns }, (_, i) => (row * 7 + i * 3) % 11),
      label(row),
    ])
    return writeRows(path, header, rows)
  }

  test.each(failures)('%s', async (_, run, exitCode, reason) => {
    const { code, stderr } = await run()

    expect(stderr).toContain(reason)
    expect(code).toBe(exitCode)
  })
})

test('for ONNX it says what to run', async () => {
  const { code, stdout } = await cli(['optimize', 'net.onnx'])

  expect(code).toBe(0)
  expect(stdout).toContain(
    'python -m onnxruntime.quantization.preprocess --input net.onnx --output net.prepared.onnx',
  )
  expect(stdout).toContain("quantize_dynamic('net.prepared.onnx', 'net.int8.onnx')")
})
