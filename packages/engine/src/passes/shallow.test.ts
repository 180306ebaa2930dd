import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileProgram } from '../exec/compiled.ts'
import { decodeProgram } from '../ir/codec.ts'
import type { Method } from '../ir/program.ts'
import { compileParts } from '../sandbox/compile.ts'
import { cutForests } from './cut.ts'

const FOLDER = new URL('../../test/shallow/fixtures/', import.meta.url)
const { rows, depth, cases } = JSON.parse(readFileSync(new URL('expected.json', FOLDER), 'utf8')) as {
  readonly rows: number[][]
  readonly depth: number
  readonly cases: Record<string, { readonly method: Method; readonly answers: number[] }>
}

/** scipy's and XGBoost's sigmoids are ours to a few units in the last place, the trees themselves to the bit. */
const DIGITS = 12

test.each(Object.entries(cases))(
  '%s: deep trees cut short answer as the library grows them',
  (name, golden) => {
    const bytes = new Uint8Array(readFileSync(new URL(`${name}.joblib`, FOLDER)))
    const outcome = compileParts({ model: { bytes } }, {}, { innerValues: true })
    const whole =
      'compiled' in outcome ? decodeProgram(outcome.compiled.program) : expect.fail(outcome.refusal.message)
    const cut = cutForests(whole, { iterations: 1, depth })
    const frame = { rows: rows.length, numbers: Float64Array.from(rows.flat()), cells: [] }
    const [answer] = compileProgram(cut).run(frame, [golden.method])

    const ours = Array.from(answer!.parts[0]!.data as Float64Array)
    expect(ours).toHaveLength(golden.answers.length)
    for (const [i, expected] of golden.answers.entries()) expect(ours[i]).toBeCloseTo(expected, DIGITS)
    expect(compileProgram(whole).run(frame, [golden.method])[0]).not.toEqual(answer)
  },
)
