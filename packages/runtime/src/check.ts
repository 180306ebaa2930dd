import {
  type Answer,
  boundaryRows,
  type Cell,
  compareWithExpected,
  contractOf,
  type Frame,
  joinRows,
  type Method,
  type Program,
  RowError,
  type SelfCheck,
  splitHosted,
  splitRows,
} from '@millwright/engine'
import type { Host } from './host.ts'

const MOST_ROWS = 64
/** Of slow models fewer rows are tried. */
const BUDGET_MS = 5_000
const SEED = 1

type Singles = {
  readonly frames: Frame[]
  readonly answers: Answer[][]
  readonly raised: number
  readonly micros: number
}

/**
 * What can be checked of a model that nothing else here can compute: it answers the same row twice the same, to the last
 * bit, and in a batch as alone, within its contract. `mismatches` counts what it does not.
 */
export async function checkHosted(program: Program, host: Pick<Host, 'run'>): Promise<SelfCheck> {
  const methods = program.outputs.map(({ name }) => name)
  const { frames, answers, raised, micros, unsteady } = await runSingles(program, host, methods)
  const rows = frames.length + raised
  if (frames.length === 0) return { rows, raised, mismatches: 0 }
  const joined = joinRows(frames)
  const batch = await host.run(joined, methods)
  const startedAt = performance.now()
  await host.run(joined, methods)
  const batchMicros = ((performance.now() - startedAt) * 1000) / frames.length
  const found = [
    ...unsteady,
    ...batch.flatMap((answer, i) =>
      differences(
        program,
        answer,
        answers.map((row) => row[i]!),
      ),
    ),
  ]
  return {
    rows,
    raised,
    mismatches: found.length,
    ...(found[0] === undefined ? {} : { firstMismatch: found[0] }),
    microsPerRow: { single: micros, batch: batchMicros },
  }
}

async function runSingles(
  program: Program,
  host: Pick<Host, 'run'>,
  methods: readonly Method[],
): Promise<Singles & { unsteady: string[] }> {
  const singles = splitRows(boundaryRows(splitHosted(program).before, MOST_ROWS, SEED), program.inputs)
  const frames: Frame[] = []
  const answers: Answer[][] = []
  const unsteady: string[] = []
  let [raised, micros] = [0, Number.POSITIVE_INFINITY]
  const end = performance.now() + BUDGET_MS
  for (const frame of singles) {
    if (performance.now() > end) break
    const startedAt = performance.now()
    const first = await answersTo(host, frame, methods)
    if (first === undefined) {
      raised++
      continue
    }
    micros = Math.min(micros, (performance.now() - startedAt) * 1000)
    const second = await answersTo(host, frame, methods)
    if (!isSame(first, second)) unsteady.push('it answers the same row differently every time')
    frames.push(frame)
    answers.push(first)
  }
  return { frames, answers, raised, micros, unsteady }
}

/** Undefined when the row is refused. */
async function answersTo(
  host: Pick<Host, 'run'>,
  frame: Frame,
  methods: readonly Method[],
): Promise<Answer[] | undefined> {
  try {
    return await host.run(frame, methods)
  } catch (error) {
    if (error instanceof RowError) return undefined
    throw error
  }
}

const isSame = (first: readonly Answer[], second: readonly Answer[] | undefined): boolean =>
  first.every(({ parts }, i) =>
    parts.every(({ data }, part) => {
      const other = second?.[i]?.parts[part]?.data
      return (
        other !== undefined &&
        data.length === other.length &&
        valuesOf(data).every((cell, at) => Object.is(cell, other[at]))
      )
    }),
  )

const valuesOf = (data: Float64Array | readonly Cell[]): Cell[] => Array.from<Cell>(data)

function differences(program: Program, batch: Answer, singles: readonly Answer[]): string[] {
  const expected = batch.parts.map((_, part) => singles.flatMap(({ parts }) => valuesOf(parts[part]!.data)))
  const contract = contractOf(program)[batch.name] ?? 'bit-equal'
  const { rows, equal, firstDifferences } = compareWithExpected(batch, expected, contract)
  const [first] = firstDifferences
  if (first === undefined) return []
  const text = `it answers ${batch.name} ${String(first.actual)} in a batch, ${String(first.expected)} to the same row alone`
  return new Array<string>(rows - equal).fill(text)
}
