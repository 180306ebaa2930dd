import { RowError } from '../errors.ts'
import { allOutputs, interpret } from '../exec/reference.ts'
import { joinRows, splitRows } from '../ir/frames.ts'
import type { Answer, Executable, Frame, Method, Program } from '../ir/program.ts'
import { boundaryRows } from './boundary.ts'

/** What came of running a program both ways. */
export type SelfCheck = {
  /** Boundary rows compared, alone and (those that do not raise) as a batch. */
  readonly rows: number
  /** Rows that the reference raises on, which the executable has to raise on too. */
  readonly raised: number
  /** Rows that were not answered bit for bit, or raised on, as the reference does. */
  readonly mismatches: number
  readonly firstMismatch?: string
  /** Best time per row; undefined when every row raises or nothing was measured. */
  readonly microsPerRow?: { readonly single: number; readonly batch: number }
}

const ROWS = 256
const SEED = 1

/**
 * Runs an executable beside the reference interpreter on 256 rows made to find differences. Deterministic but for the
 * times; leaves the executable warm.
 * @param measureMs time spent on measuring single rows, and as much again on batches; 0: do not measure
 * @throws RangeError when the program is not valid
 */
export function selfCheck(program: Program, executable: Executable, measureMs = 30): SelfCheck {
  const outputs = allOutputs(program)
  const reference = interpret(program)
  const singles = splitRows(boundaryRows(program, ROWS, SEED), program.inputs)
  const expected = singles.map((frame) => outcomeOf(reference, frame, outputs))
  const good = singles.filter((_, row) => typeof expected[row] !== 'string')
  const batch = joinRows(good)
  const batched = outcomeOf(executable, batch, outputs)

  let position = 0
  const mismatches = singles.flatMap((frame, row) => {
    const want = expected[row]!
    const alone = firstDifference(want, outcomeOf(executable, frame, outputs))
    if (typeof want === 'string') return alone === undefined ? [] : [`row ${row}: ${alone}`]
    const together = typeof batched === 'string' ? batched : rowOf(batched, position++)
    const found = alone ?? firstDifference(want, together)
    return found === undefined ? [] : [`row ${row}: ${found}`]
  })
  return {
    rows: singles.length,
    raised: singles.length - good.length,
    mismatches: mismatches.length,
    ...(mismatches[0] === undefined ? {} : { firstMismatch: mismatches[0] }),
    ...(good.length === 0 || measureMs === 0
      ? {}
      : { microsPerRow: measure(executable, good, batch, measureMs) }),
  }
}

/** Answers, or what the row's error says. */
type Outcome = readonly Answer[] | string

function outcomeOf(executable: Executable, frame: Frame, outputs: readonly Method[]): Outcome {
  try {
    return executable.run(frame, outputs)
  } catch (error) {
    if (error instanceof RowError) return `raised ${error.message} (column ${error.column})`
    throw error
  }
}

function firstDifference(want: Outcome, got: Outcome): string | undefined {
  if (typeof want === 'string' || typeof got === 'string')
    return want === got ? undefined : `${describe(got)}, reference ${describe(want)}`
  for (const [i, answer] of want.entries())
    for (const [part, { data }] of answer.parts.entries()) {
      const other = got[i]!.parts[part]!.data
      for (let at = 0; at < Math.max(data.length, other.length); at++)
        if (!Object.is(data[at], other[at]))
          return `${answer.name} [${at}] is ${String(other[at])}, reference ${String(data[at])}`
    }
  return undefined
}

const describe = (outcome: Outcome): string => (typeof outcome === 'string' ? outcome : 'answered')

/** One row of answers to many. */
const rowOf = (answers: readonly Answer[], row: number): Answer[] =>
  answers.map((answer) => ({
    ...answer,
    parts: answer.parts.map(({ shape, data }) => {
      const width = shape[1] ?? 1
      return { shape: [1, ...shape.slice(1)], data: data.slice(row * width, (row + 1) * width) }
    }),
  }))

function measure(
  executable: Executable,
  singles: readonly Frame[],
  batch: Frame,
  measureMs: number,
): { single: number; batch: number } {
  const outputs = allOutputs(executable.program)
  const best = (run: () => void): number => {
    let millis = Number.POSITIVE_INFINITY
    for (const end = performance.now() + measureMs; performance.now() < end; ) {
      const start = performance.now()
      run()
      millis = Math.min(millis, performance.now() - start)
    }
    return (millis * 1000) / batch.rows
  }
  return {
    single: best(() => {
      for (const frame of singles) executable.run(frame, outputs)
    }),
    batch: best(() => executable.run(batch, outputs)),
  }
}
