import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import {
  compileFile,
  compileProgram,
  decodeProgram,
  encodeProgram,
  type Program,
  selfCheck,
  simplifyForests,
} from '../packages/engine/src/index.ts'
import { findForests } from '../packages/engine/src/passes/forests.ts'

/** node bench/passes.ts FILE…: what simplifying forests saves, in nodes, bytes and time; the answers are the same bits. */

const MEASURE_MS = 200

const nodesOf = (program: Program): number =>
  findForests(program).reduce((sum, { attrs }) => sum + attrs.feature.length, 0)

const change = (before: number, after: number): string =>
  `${before} → ${after} (${(100 * (after / before - 1)).toFixed(1)} %)`

function costOf(program: Program): { single: number; batch: number } {
  const { microsPerRow, mismatches, firstMismatch } = selfCheck(program, compileProgram(program), MEASURE_MS)
  if (mismatches > 0) throw new Error(firstMismatch)
  return microsPerRow ?? { single: Number.NaN, batch: Number.NaN }
}

for (const file of process.argv.slice(2)) {
  const { program } = await compileFile(new Uint8Array(readFileSync(file)))
  const before = decodeProgram(program)
  const startedAt = performance.now()
  const after = simplifyForests(before)
  const took = performance.now() - startedAt
  const [slow, fast] = [costOf(before), costOf(after)]
  console.log(`${basename(dirname(file))}/${basename(file)}`)
  console.log(`  nodes ${change(nodesOf(before), nodesOf(after))}`)
  console.log(`  bytes ${change(program.length, encodeProgram(after).length)}`)
  console.log(
    `  µs alone ${slow.single.toFixed(2)} → ${fast.single.toFixed(2)}, in a batch ${slow.batch.toFixed(3)} → ${fast.batch.toFixed(3)}; took ${took.toFixed(0)} ms`,
  )
}
