import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contractOf } from '../src/check/contract.ts'
import { compareWithExpected } from '../src/check/tolerance.ts'
import { RowError } from '../src/errors.ts'
import { compileProgram } from '../src/exec/compiled.ts'
import { interpret } from '../src/exec/reference.ts'
import { readParts } from '../src/formats/parts.ts'
import type { Answer, Cell, Executable, Program } from '../src/ir/program.ts'
import { lowerModel } from '../src/sklearn/lower.ts'
import { frameOf, type GoldenInput, type GoldenRow } from './fixture.ts'

/** What make-versions.py writes of one model. */
type VersionCase = {
  readonly columns: GoldenInput['columns']
  readonly rows: readonly GoldenRow[]
  readonly answers: Readonly<Record<string, readonly unknown[]>>
  /** Rows the library raises on. */
  readonly refused: readonly GoldenRow[]
}

const ROOT = new URL('./fixtures/versions/', import.meta.url)
const versions = readdirSync(ROOT)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace('.json', ''))

/** Answers that depend on the rows beside a row, in versions before 0.21. */
const BATCH_DEPENDENT = ['one-versus-one', 'machine']

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

const flat = (value: unknown): Cell[] =>
  Array.isArray(value) ? value.flatMap(flat) : [NAMED[value as string] ?? (value as Cell)]

/** What is wrong with an answer under the contract that is published for it. */
function faultsOf(answer: Answer | undefined, expected: readonly unknown[], program: Program): string[] {
  if (answer === undefined) return ['is not answered']
  const contract = contractOf(program)[answer.name]!
  const { firstDifferences } = compareWithExpected(answer, [flat(expected)], contract)
  return firstDifferences.map(
    ({ row, actual, expected: wanted }) => `row ${row}: ${actual}, expected ${wanted} (${contract})`,
  )
}

function refuses(executable: Executable, columns: GoldenInput['columns'], row: GoldenRow): boolean {
  try {
    const { program } = executable
    executable.run(
      frameOf(program, columns, [row]),
      program.outputs.map(({ name }) => name),
    )
    return false
  } catch (error) {
    if (error instanceof RowError || error instanceof TypeError) return true
    throw error
  }
}

describe.each(versions)('models of %s', (version) => {
  const bytes = readFileSync(new URL(`${version}.joblib`, ROOT))
  const cases = JSON.parse(readFileSync(new URL(`${version}.json`, ROOT), 'utf8')) as Record<
    string,
    VersionCase
  >

  test.each(Object.entries(cases))('%s', (name, { columns, rows, answers, refused }) => {
    const program = lowerModel(readParts({ model: { bytes, key: name } }, {}).root)
    const left = /-0\.20\./.test(version) && BATCH_DEPENDENT.includes(name) ? ['decision_function'] : []

    const faults = [interpret(program), compileProgram(program)].flatMap((executable) => [
      ...Object.entries(answers).flatMap(([method, expected]) => {
        const output = program.outputs.find((candidate) => candidate.name === method)
        const [answer] =
          output === undefined ? [] : executable.run(frameOf(program, columns, rows), [output.name])
        return faultsOf(answer, expected, program).map((fault) => `${method} ${fault}`)
      }),
      ...refused.flatMap((row) =>
        refuses(executable, columns, row) ? [] : [`accepts ${JSON.stringify(row)}`],
      ),
    ])

    expect(faults.filter((fault) => !left.some((method) => fault.startsWith(`${method} is not`)))).toEqual([])
  })
})
