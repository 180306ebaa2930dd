import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { boundaryRows } from '../../packages/engine/src/check/boundary.ts'
import { ModelError } from '../../packages/engine/src/errors.ts'
import { compileProgram } from '../../packages/engine/src/exec/compiled.ts'
import { decodeProgram, encodeProgram } from '../../packages/engine/src/ir/codec.ts'
import { joinRows, splitRows } from '../../packages/engine/src/ir/frames.ts'
import type { Frame, Method, Program } from '../../packages/engine/src/ir/program.ts'
import { cutForests } from '../../packages/engine/src/passes/cut.ts'
import {
  cutDepthOf,
  type Forest,
  findForests,
  forestsBehind,
  iterationsOf,
} from '../../packages/engine/src/passes/forests.ts'
import { partialAnswers } from '../../packages/engine/src/passes/partial-answers.ts'
import { simplifyForests } from '../../packages/engine/src/passes/simplify.ts'
import { compileParts } from '../../packages/engine/src/sandbox/compile.ts'
import { listCases } from '../../packages/engine/test/fixture.ts'

/**
 * Every golden model with trees in it: simplified it answers the bits of the whole, and what is computed of its cuts in
 * one pass are the bits that the cut models answer, on boundary rows.
 */
const ROOT = new URL('../../../shared/fixtures/models', import.meta.url).pathname
const ROWS = 60
const SEED = 5

const cases = existsSync(ROOT) ? listCases(ROOT).filter(({ name }) => !name.includes('/big-')) : []

function open(folder: string): Program | undefined {
  const file = readdirSync(folder).find((name) => /^(model|booster)\./.test(name))
  if (file === undefined) return undefined
  const bytes = new Uint8Array(readFileSync(join(folder, file)))
  const outcome = compileParts({ model: { bytes } }, {}, { innerValues: true })
  return 'compiled' in outcome ? decodeProgram(outcome.compiled.program) : undefined
}

function acceptedRows(program: Program): Frame {
  const executable = compileProgram(program)
  const methods = methodsOf(program)
  const rows = splitRows(boundaryRows(program, ROWS, SEED), program.inputs)
  return joinRows(
    rows.filter((row) => {
      try {
        return executable.run(row, methods).length > 0
      } catch {
        return false
      }
    }),
  )
}

const methodsOf = (program: Program): Method[] => program.outputs.map(({ name }) => name)

/** Those of the first answer that can be cut. */
function cuttable(program: Program): { method: Method; forests: Forest[] } | undefined {
  const [method] = methodsOf(program)
  try {
    const forests = forestsBehind(program, method!)
    return forests.length > 0 ? { method: method!, forests } : undefined
  } catch (error) {
    if (error instanceof ModelError) return undefined
    throw error
  }
}

describe.skipIf(cases.length === 0)('passes over golden models', () => {
  const forested = cases.flatMap(({ name, folder }) => {
    const program = open(folder)
    return program !== undefined && findForests(program).length > 0 ? [[name, program] as const] : []
  })

  test('there are hundreds of them', () => {
    expect(forested.length).toBeGreaterThan(400)
  })

  test.each(forested)('%s', (_, program) => {
    const frame = acceptedRows(program)
    const methods = methodsOf(program)
    const simple = simplifyForests(program)
    const stored = decodeProgram(encodeProgram(simple))
    expect(compileProgram(stored).run(frame, methods)).toEqual(compileProgram(program).run(frame, methods))

    const target = cuttable(program)
    if (target === undefined) return
    const most = iterationsOf(target.forests)
    const depth = cutDepthOf(target.forests)
    const cuts = [{ iterations: Math.ceil(most / 2) }, ...(depth ? [{ iterations: most, depth: 1 }] : [])]
    const answers = [...partialAnswers(program, frame, { ...target, cuts })]
    for (const [i, cut] of cuts.entries()) {
      const smaller = simplifyForests(cutForests(program, cut))
      expect(compileProgram(smaller).run(frame, [target.method])[0]).toEqual(answers[i])
    }
    expect(encodeProgram(cutForests(simple, cuts[0]!))).toEqual(
      encodeProgram(simplifyForests(cutForests(program, cuts[0]!))),
    )
  })
})
