import type { ModelSchema } from '@millwright/contracts'
import {
  type Answer,
  allOutputs,
  type Cell,
  compareWithExpected,
  contractOf,
  type Frame,
  ModelError,
  type Program,
  RowError,
} from '@millwright/engine'
import { schemaOf } from '@millwright/inference/schema'
import { createRowReader } from '@millwright/inference/validate'
import { asRefusal, HostFailure, type HostLimits, openRunner, type Runner } from '@millwright/runtime'
import type { ModelReading, Sample } from './read-model.ts'

export type CheckedProgram = Omit<ModelReading, 'program' | 'report'>

/**
 * What a compiled program reads and answers, after two tests: compiled against reference (of a host, the model against
 * itself) on rows made for the purpose, and on the user's rows against what the training library answered to them.
 * @throws ModelError when either test fails, or the model costs more than the limits
 */
export async function checkProgram(
  bytes: Uint8Array,
  sample: Sample | undefined,
  limits?: HostLimits,
): Promise<CheckedProgram> {
  const runner = await openRunner(bytes, limits)
  try {
    return await checkRunner(runner, sample)
  } catch (error) {
    throw error instanceof HostFailure ? asRefusal(error) : error
  } finally {
    await runner.close()
  }
}

async function checkRunner(runner: Runner, sample: Sample | undefined): Promise<CheckedProgram> {
  const { program } = runner
  const schema = schemaOf(program)
  const check = await runner.check()
  if (check.mismatches > 0)
    throw new ModelError('corrupt', `its compiled form differs from the reference (${check.firstMismatch})`, {
      hint: 'this lies with us, please report it',
    })
  return {
    schema,
    contract: contractOf(program) as Record<string, string>,
    check: {
      ...check,
      latency: await runner.latency(LATENCY_MS),
      ...(sample && { sample: await trySample(sample, schema, runner) }),
    },
  }
}

/** Spent on warming up, on single rows and on batches. */
const LATENCY_MS = 20

type SampleResult = {
  readonly rows: number
  /** Rows that the schema or the model refuses. */
  readonly failed: number
  readonly firstFailure: string | null
  /** Method → rows that are as expected. */
  readonly equal: Record<string, number>
}

/** Extra fields of the rows (a target, an id) are left out. Without `expected`, refused rows are only counted. */
async function trySample(sample: Sample, schema: ModelSchema, runner: Runner): Promise<SampleResult> {
  const { program } = runner
  const reader = createRowReader(schema, program.inputs, 'strict')
  const slab = reader.createSlab(sample.rows.length)
  const failures: string[] = []
  for (const [i, row] of sample.rows.entries()) {
    const own = Object.fromEntries(
      reader.names.map((name) => [name, Object.hasOwn(row, name) ? row[name] : null]),
    )
    const faults = reader.readRow(own, slab, i)
    const fault = faults?.[0]?.message ?? (await raisedBy(runner, reader.frameOfRow(slab, i)))
    if (fault !== undefined) failures.push(`row ${i + 1} of the sample: ${fault}`)
  }
  const result = { rows: sample.rows.length, failed: failures.length, firstFailure: failures[0] ?? null }
  if (sample.expected === undefined || sample.rows.length === 0) return { ...result, equal: {} }
  if (failures[0] !== undefined) throw sampleError(failures[0])
  const answers = await runner.run(reader.frameOf(slab, sample.rows.length), allOutputs(program))
  const compared = Object.entries(sample.expected).map(([name, values]) => {
    const answer = answers.find((candidate) => candidate.name === name)
    if (answer === undefined) throw sampleError(`the model does not answer "${name}"`)
    return [name, compare(answer, values, program)] as const
  })
  return { ...result, equal: Object.fromEntries(compared) }
}

async function raisedBy(runner: Runner, frame: Frame): Promise<string | undefined> {
  try {
    await runner.run(frame, allOutputs(runner.program))
    return undefined
  } catch (error) {
    if (error instanceof RowError) return error.message
    throw error
  }
}

/** @returns how many rows are equal: all of them */
function compare(answer: Answer, values: readonly unknown[], program: Program): number {
  const contract = contractOf(program)[answer.name] ?? 'bit-equal'
  const parts = answer.list ? values : [values]
  const expected = answer.parts.map(({ data }, i) => cellsOf(parts[i], data instanceof Float64Array))
  try {
    const { rows, equal, firstDifferences } = compareWithExpected(answer, expected, contract)
    const [first] = firstDifferences
    if (first === undefined) return equal
    throw sampleError(
      `${rows - equal} of ${rows} rows differ from what was expected of ${answer.name}; the first is row ` +
        `${first.row + 1}: ${String(first.actual)}, expected ${String(first.expected)} (contract ${contract})`,
    )
  } catch (error) {
    if (error instanceof RangeError) throw sampleError(`${answer.name} was expected in another shape`)
    throw error
  }
}

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/** JSON has no NaN: null and "NaN" stand for it among numbers. */
function cellsOf(value: unknown, isNumeric: boolean): Cell[] {
  if (Array.isArray(value)) return value.flatMap((item) => cellsOf(item, isNumeric))
  if (!isNumeric) return [value as Cell]
  return [value === null ? Number.NaN : typeof value === 'string' ? (NAMED[value] ?? value) : (value as Cell)]
}

const sampleError = (what: string): ModelError =>
  new ModelError('corrupt', what, { hint: 'correct the sample, or deploy the file it belongs to' })
