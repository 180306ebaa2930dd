import { readFileSync } from 'node:fs'
import { allOutputs, decodeProgram } from '@millwright/engine'
import { describe, expect, test } from 'vitest'
import { compileBytes } from '../../engine/src/sandbox/compile.ts'
import { frameOf, readCase, readInput } from '../../engine/test/fixture.ts'
import { onnxFaults } from '../../engine/test/onnx-cases.ts'
import { openRunner } from '../src/runner.ts'
import { encodedProgram, model } from './models.ts'

const FIXTURES = new URL('../../engine/test/fixtures/', import.meta.url)

describe('the ONNX models carried by the repository give the answers of ONNX Runtime and of their framework', () => {
  test.each(['onnx-churn-strings', 'onnx-kmeans', 'onnx-lightgbm', 'torch-perceptron'])(
    '%s',
    async (name) => {
      const golden = readCase(FIXTURES.pathname, `onnx/${name}`)
      const bytes = encodedProgram(`${golden.folder}/model.onnx`)
      const program = decodeProgram(bytes)
      const { columns, rows } = readInput(golden)
      const runner = await openRunner(bytes)

      const answers = await runner.run(frameOf(program, columns, rows), allOutputs(program))
      const check = await runner.check()
      await runner.close()

      expect(onnxFaults(golden, answers)).toEqual([])
      expect(check).toMatchObject({ mismatches: 0, microsPerRow: { single: expect.any(Number) } })
      expect(check.rows - check.raised).toBeGreaterThan(30)
    },
  )
})

test.each([
  ['noisy', /^the model cannot be relied on: it answers the same row differently every time; export it/],
  [
    'batch-mean',
    /^the model cannot be relied on: it answers predict .* in a batch, 0 to the same row alone; /,
  ],
])('a model that is %s does not pass its check', async (name, message) => {
  const runner = await openRunner(model(name))

  const check = runner.check()

  await expect(check).rejects.toThrow(message)
  await runner.close()
})

test('other programs are run here', async () => {
  const path = new URL('../../../examples/churn/models/churn_model_v2.pkl', import.meta.url)
  const outcome = compileBytes(readFileSync(path), {})
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  const runner = await openRunner(outcome.compiled.program)
  const frame = { rows: 1, numbers: Float64Array.of(45, 12, 567.89, 0.35), cells: [] }

  const [answer] = await runner.run(frame, ['predict'])

  expect(answer!.parts[0]!.data).toEqual(Float64Array.of(0))
  expect(await runner.check()).toMatchObject({ mismatches: 0 })
  await runner.close()
})
