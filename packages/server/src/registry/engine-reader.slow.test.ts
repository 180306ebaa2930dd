import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readChurn } from '../control/testing.ts'
import { engineReader } from './engine-reader.ts'
import type { Sample } from './read-model.ts'

const MEBIBYTE = 1 << 20
const LIMITS = {
  ...{ maxHeapMib: 512, deadlineMs: 60_000, maxBytes: 64 * MEBIBYTE },
  host: { memoryMib: 512, loadMs: 20_000, runMs: 2_000 },
}
const read = engineReader(LIMITS)

/** The example's rows and what scikit-learn answered to them. */
async function churnSample(rows: number) {
  const path = new URL('../../../../examples/churn/expected.json', import.meta.url)
  const { features, rows: values, models } = JSON.parse(await readFile(path, 'utf8'))
  const named = (values as number[][])
    .slice(0, rows)
    .map((row) =>
      Object.fromEntries([
        ...(features as string[]).map((name, i) => [name, row[i]!] as const),
        ['customer', 'x'],
      ]),
    )
  const { predict, predict_proba } = models.churn_model_v3 as Record<string, unknown[]>
  return {
    rows: named,
    expected: { predict: predict!.slice(0, rows), predict_proba: predict_proba!.slice(0, rows) },
  }
}

describe('the example model', () => {
  test('has its schema, its contract and both checks', async () => {
    const sample = await churnSample(200)

    const { schema, contract, check } = await read(await readChurn('v3'), sample)

    expect(schema.inputs.map((column) => column.name)).toEqual([
      'days_since_last_order',
      'total_orders',
      'lifetime_value',
      'email_open_rate',
    ])
    expect(schema.classes).toEqual([[0, 1]])
    expect(contract).toEqual({
      predict: 'bit-equal',
      predict_proba: 'bit-equal',
      predict_log_proba: 'ulp4',
    })
    expect(check).toMatchObject({
      mismatches: 0,
      sample: { rows: 200, failed: 0, equal: { predict: 200, predict_proba: 200 } },
    })
  })

  test('is refused when it answers the sample differently, with the first difference', async () => {
    const sample = await churnSample(20)

    const reading = read(await readChurn('v2'), sample)

    await expect(reading).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ModelError: 2 of 20 rows differ from what was expected of predict; the first is row 5: 1, expected 0 (contract bit-equal); correct the sample, or deploy the file it belongs to]`,
    )
  })

  test('is refused when the expected answers have another shape or name', async () => {
    const { rows } = await churnSample(2)
    const bytes = await readChurn('v2')

    await expect(read(bytes, { rows, expected: { predict: [0] } })).rejects.toThrow(
      'expected in another shape',
    )
    await expect(read(bytes, { rows, expected: { score: [0, 0] } })).rejects.toThrow(
      'does not answer "score"',
    )
  })

  test('rows that it refuses are counted when nothing was expected of them', async () => {
    const { rows } = await churnSample(2)
    const bad = [rows[0]!, { ...rows[1]!, total_orders: 'many' }]

    const { check } = await read(await readChurn('v2'), { rows: bad })

    expect(check.sample).toMatchObject({ rows: 2, failed: 1 })
    expect((check.sample as { firstFailure: string }).firstFailure).toMatch(
      /^row 2 of the sample: total_orders: /,
    )
  })
})

test('a file over the limit is refused before it is read', async () => {
  const small = engineReader({ ...LIMITS, maxBytes: 1000 })

  await expect(small(await readChurn('v2'), undefined)).rejects.toMatchObject({
    name: 'ModelError',
    kind: 'limit',
  })
})

describe('an ONNX model', () => {
  const onnx = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url))

  test('is run before it is taken: twice, alone and in a batch, and on the sample', async () => {
    const folder = 'engine/test/fixtures/onnx/onnx-churn-strings'
    const { columns, rows } = JSON.parse((await onnx(`${folder}/input.json`)).toString())
    const { label, probabilities } = JSON.parse((await onnx(`${folder}/expected.json`)).toString())
    const named = (rows as unknown[][]).map((row) =>
      Object.fromEntries(
        (columns as { name: string }[]).map(({ name }, i) => [name, row[i] === 'NaN' ? null : row[i]]),
      ),
    )
    const sample = { rows: named, expected: { predict: label, probabilities } } as Sample

    const { schema, contract, check, report } = await read(await onnx(`${folder}/model.onnx`), sample)

    expect(report).toMatchObject({ container: 'onnx', libraryVersion: 'skl2onnx 1.20.0' })
    expect(schema.classes).toEqual([['No', 'Yes']])
    expect(new Set(Object.values(contract))).toEqual(new Set(['rel1e-5']))
    expect(check).toMatchObject({
      mismatches: 0,
      sample: { rows: rows.length, failed: 0, equal: { predict: rows.length, probabilities: rows.length } },
    })
  })

  test('that draws random numbers is refused', async () => {
    await expect(read(await onnx('runtime/test/fixtures/noisy.onnx'), undefined)).rejects.toThrow(
      'the model cannot be relied on: it answers the same row differently every time',
    )
  })
})
