import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ModelError, RowError } from '../src/errors.ts'
import { compileProgram } from '../src/exec/compiled.ts'
import { interpret } from '../src/exec/reference.ts'
import { type ModelParts, type Part, readParts } from '../src/formats/parts.ts'
import { reportOf } from '../src/formats/report.ts'
import type { Cell, Executable, Method, Program } from '../src/ir/program.ts'
import { lowerModel } from '../src/sklearn/lower.ts'
import { object } from './inert.ts'

/** What make-chains.py writes. */
type Case = {
  readonly given: {
    readonly model: string
    readonly after?: readonly string[]
    readonly encode?: readonly string[]
    readonly columns?: readonly string[]
  }
  readonly rows: readonly Readonly<Record<string, Cell>>[]
  /** null: the application's code raises on the row. */
  readonly expected?: Readonly<Record<string, readonly (Cell | number[] | null)[]>>
  readonly refusal?: string
}

const ROOT = new URL('./fixtures/chains/', import.meta.url)
const cases = readdirSync(ROOT).map((name) => ({
  name,
  ...(JSON.parse(readFileSync(new URL(`${name}/case.json`, ROOT), 'utf8')) as Case),
}))

function partsOf(name: string, { model, after = [], encode = [], columns }: Case['given']): ModelParts {
  const files = new Map<string, Uint8Array>()
  const part = (given: string): Part => {
    const [file, key] = given.split('#') as [string, string | undefined]
    const bytes = files.get(file) ?? readFileSync(new URL(`${name}/${file}`, ROOT))
    files.set(file, bytes)
    return { bytes, key }
  }
  return {
    model: part(model),
    after: after.map(part),
    encode: encode.map((given) => {
      const [column, file] = given.split('=') as [string, string]
      return { column, ...part(file) }
    }),
    columns,
  }
}

/** One row's answer, null where it is refused. */
function answer(executable: Executable, row: Case['rows'][number], method: Method): Cell | Cell[] {
  const { inputs } = executable.program
  const values = inputs.map(({ name }, i) => (name in row ? row[name] : Object.values(row)[i]) ?? null)
  const of = (wanted: string): Cell[] => values.filter((_, i) => inputs[i]!.kind === wanted)
  const numbers = Float64Array.from(of('number'), (value) => (value === null ? Number.NaN : Number(value)))
  try {
    const [found] = executable.run({ rows: 1, numbers, cells: of('cell') }, [method])
    const data = Array.from<Cell>(found!.parts[0]!.data)
    return found!.parts[0]!.shape.length === 1 ? data[0]! : data
  } catch (error) {
    if (error instanceof RowError) return null
    throw error
  }
}

describe.each([
  ['reference', interpret],
  ['compiled', compileProgram],
] as const)(
  'several objects answer as the code that used them does, %s',
  (_, build: (p: Program) => Executable) => {
    test.each(cases.filter(({ expected }) => expected !== undefined))(
      '$name',
      ({ name, given, rows, expected }) => {
        const executable = build(lowerModel(readParts(partsOf(name, given), {}).root))

        const ours = Object.keys(expected!).map((method) => [
          method,
          rows.map((row) => answer(executable, row, method as Method)),
        ])

        expect(Object.fromEntries(ours)).toEqual(expected)
      },
    )
  },
)

test.each(cases.filter(({ refusal }) => refusal !== undefined))('$name', ({ name, given, refusal }) => {
  const lower = () => lowerModel(readParts(partsOf(name, given), {}).root)

  expect(lower).toThrow(ModelError)
  expect(lower).toThrow(refusal)
})

test('an encoder of labels alone is served, with a note where it belongs', () => {
  const parts = partsOf('encoder-file', { model: 'encoders.pkl#brand' })

  const { file, root } = readParts(parts, {})

  expect(reportOf(file, root).notes).toEqual([
    'this is an encoder of labels alone: next to its model, give it with --encode COLUMN=FILE',
  ])
})

test('files together are held to the limits of one', () => {
  const parts = partsOf('two-files', { model: 'model.pkl', after: ['scaler.pkl'] })
  const largest = Math.max(parts.model.bytes.length, parts.after![0]!.bytes.length)

  expect(() => readParts(parts, { maxDecompressedBytes: largest })).toThrow('unpacks to more than')
})

test.each([
  ['shap._explainer.Explainer', 'save the model it explains'],
  ['statsmodels.genmod.GLMResults', 'fit the scikit-learn estimator of the same model'],
  ['keras.src.models.Sequential', 'a neural network of Keras'],
  ['imblearn.pipeline.Pipeline', 'save a scikit-learn Pipeline of the other steps'],
])('%s is named for what it is', (qualified, advice) => {
  expect(() => lowerModel(object(qualified, {}))).toThrow(advice)
})
