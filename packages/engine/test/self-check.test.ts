import { describe, expect, test } from 'vitest'
import { contractOf } from '../src/check/contract.ts'
import { selfCheck } from '../src/check/self-check.ts'
import { compileProgram } from '../src/exec/compiled.ts'
import { decodeProgram, encodeProgram, programDigest } from '../src/ir/codec.ts'
import { differences, frameOf, listCases, readExpected, readInput } from './fixture.ts'
import { isAnsweredBy, programOf } from './run-case.ts'

describe('a carried model, stored and read back', () => {
  const cases = listCases(new URL('./fixtures', import.meta.url).pathname).flatMap((golden) =>
    golden.meta.contract === 'refuse' ? [] : [[golden.name, golden] as const],
  )

  test.each(cases)('%s keeps its digest and passes its self-check', (_, golden) => {
    const bytes = encodeProgram(programOf(golden.folder, Object.keys(golden.meta.files)[0]!))
    const program = decodeProgram(bytes)

    expect(programDigest(encodeProgram(program))).toBe(programDigest(bytes))
    expect(selfCheck(program, compileProgram(program), 0)).toMatchObject({ rows: 256, mismatches: 0 })
  })

  test.each(cases)('%s keeps the contract that its operations promise', (_, golden) => {
    const file = Object.keys(golden.meta.files)[0]!
    const program = programOf(golden.folder, file)
    const promised = contractOf(program)
    const { columns, rows } = readInput(golden)
    const expected = readExpected(golden)
    const answers = compileProgram(program).run(
      frameOf(program, columns, rows),
      program.outputs.map(({ name }) => name),
    )

    for (const answer of answers.filter(({ name }) => name in expected && isAnsweredBy(golden, file, name)))
      expect(differences(answer, expected[answer.name], promised[answer.name]!)).toEqual([])
  })
})
