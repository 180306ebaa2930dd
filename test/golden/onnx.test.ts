import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allOutputs, encodeProgram } from '../../packages/engine/src/index.ts'
import { frameOf, listCases, readInput } from '../../packages/engine/test/fixture.ts'
import { onnxFaults } from '../../packages/engine/test/onnx-cases.ts'
import { programOf } from '../../packages/engine/test/run-case.ts'
import { openRunner } from '../../packages/runtime/src/index.ts'

/** ONNX models of scikit-learn, the boosting libraries, Keras and PyTorch, where they are beside the repository. */
const ROOT = new URL('../../../shared/fixtures/models', import.meta.url).pathname
const cases = existsSync(ROOT) ? listCases(ROOT).filter(({ meta }) => 'model.onnx' in meta.files) : []
if (cases.length === 0) console.warn(`skipped: the golden cases are not at ${ROOT}`)

describe.skipIf(cases.length === 0)('golden ONNX cases', () => {
  test.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const program = programOf(golden.folder, 'model.onnx')
    const { columns, rows } = readInput(golden)
    const runner = await openRunner(encodeProgram(program))

    try {
      const answers = await runner.run(frameOf(program, columns, rows), allOutputs(program))

      expect(onnxFaults(golden, answers)).toEqual([])
      expect(await runner.check()).toMatchObject({ mismatches: 0 })
    } finally {
      await runner.close()
    }
  })

  test('there are 27', () => {
    expect(cases).toHaveLength(27)
  })
})
