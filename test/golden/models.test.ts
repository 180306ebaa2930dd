import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileProgram } from '../../packages/engine/src/exec/compiled.ts'
import { interpret } from '../../packages/engine/src/exec/reference.ts'
import { listCases } from '../../packages/engine/test/fixture.ts'
import { faultsOf, refusalFaults } from '../../packages/engine/test/run-case.ts'

/**
 * All golden cases, where they are beside the repository: about a thousand models of many library versions.
 * A case is answered under its contract by both executors, or is on the list of those left for later and refused.
 */
const ROOT = new URL('../../../shared/fixtures/models', import.meta.url).pathname
const LATER = new Set(
  JSON.parse(readFileSync(new URL('./left-for-later.json', import.meta.url), 'utf8')) as string[],
)

const EXECUTORS = [
  { name: 'reference', build: interpret },
  { name: 'compiled', build: compileProgram },
]

/** ONNX models are run by a host, in a suite of their own. */
const cases = existsSync(ROOT) ? listCases(ROOT).filter(({ meta }) => !('model.onnx' in meta.files)) : []
if (cases.length === 0) console.warn(`skipped: the golden cases are not at ${ROOT}`)

describe.skipIf(cases.length === 0)('golden cases', () => {
  const served = cases.filter(({ name }) => !LATER.has(name))
  test.each(served.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    expect(faultsOf(golden, EXECUTORS)).toEqual([])
  })

  const later = cases.filter(({ name }) => LATER.has(name))
  test.each(later.map((golden) => [golden.name, golden] as const))('%s is refused for now', (_, golden) => {
    expect(refusalFaults(golden)).toEqual([])
  })

  test('the list of cases left for later names no case that is not there', () => {
    expect([...LATER].filter((name) => !cases.some((golden) => golden.name === name))).toEqual([])
  })
})
