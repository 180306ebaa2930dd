import { basename } from 'node:path'
import { compileProgram, findZeroWeights, forgetInnerValues } from '@millwright/engine'
import { CommandError } from '../command.ts'
import { formatBytes } from '../terminal.ts'
import { measureCost } from './cost.ts'
import { between, gains } from './report.ts'
import { makeSmaller } from './smaller.ts'
import type { Outcome, Work } from './work.ts'

/** Leaves out what has no weight: no bit of an answer changes. */
export function optimizeLinear({ program, frame, judge, asked, rows }: Work): Outcome {
  if (asked.trees !== undefined || asked.depth !== undefined)
    throw new CommandError(
      `${basename(asked.files.model.path)} has no trees that --trees or --depth could cut`,
      ['leave the option out'],
    )
  const found = findZeroWeights(program)
  const smaller = makeSmaller(program, {})
  const [before, after] = [program, smaller].map((each) =>
    measureCost(forgetInnerValues(each), frame, judge.method),
  )
  const [answer] = compileProgram(smaller).run(frame, [judge.method])
  const quality = judge.estimate(judge.read(answer!))
  const dropped = found.reduce((sum, { zeros, stays }) => sum + (stays === undefined ? zeros : 0), 0)
  const columns = found.reduce((sum, each) => sum + each.columns, 0)
  const reasons = [
    ...new Set(
      found.flatMap(({ zeros, stays }) =>
        zeros > 0 && stays ? [`${zeros} columns have no weight and stay: ${stays}`] : [],
      ),
    ),
  ]
  const recommendation =
    dropped === 0
      ? `Keep it as it is: none of its ${columns} columns can be left out without changing an answer.`
      : `${columns - dropped} of ${columns} words have a weight; without the others every answer keeps its bits, ${gains(before!, after!)}.`
  return {
    document: {
      rows: frame.rows,
      metric: judge.metric,
      quality,
      columns,
      dropped,
      before,
      after,
      recommendation,
    },
    show: ({ stdout }) =>
      stdout(
        `${judge.name} ${between(quality)} on ${rows} (95 %, ${judge.interval})\n` +
          `${formatBytes(before!.bytes)} → ${formatBytes(after!.bytes)}, ${before!.single.toFixed(1)} → ${after!.single.toFixed(1)} µs a row alone\n`,
      ),
    recommendation,
    notes: reasons,
    smaller,
    changes: dropped === 0 ? ['nothing'] : [`${dropped} of ${columns} words without weight left out`],
    picture: undefined,
  }
}
