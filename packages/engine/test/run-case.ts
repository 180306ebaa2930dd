import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ModelError, RowError } from '../src/errors.ts'
import { estimatorOf, readModelFile } from '../src/formats/read-file.ts'
import type { Executable, Method, Program } from '../src/ir/program.ts'
import { lowerModel } from '../src/sklearn/lower.ts'
import {
  differences,
  frameOf,
  type GoldenCase,
  type GoldenInput,
  readErrorRows,
  readExpected,
  readInput,
} from './fixture.ts'

export type Executor = { readonly name: string; readonly build: (program: Program) => Executable }

export const programOf = (folder: string, file: string): Program =>
  lowerModel(estimatorOf(readModelFile(readFileSync(join(folder, file)))))

/** Faults of one case under every executor; empty when every file gives every answer under its contract. */
export function faultsOf(golden: GoldenCase, executors: readonly Executor[]): string[] {
  if (golden.meta.contract === 'refuse') return refusalFaults(golden)
  return Object.keys(golden.meta.files).flatMap((file) =>
    executors.flatMap(({ name, build }) => {
      try {
        const executable = build(programOf(golden.folder, file))
        return [...answerFaults(golden, file, executable), ...errorRowFaults(golden, executable)].map(
          (fault) => `${file} (${name}) ${fault}`,
        )
      } catch (error) {
        return [`${file} (${name}) ${describe(error)}`]
      }
    }),
  )
}

/** Files of a case that were accepted, or refused by anything but a ModelError. */
export function refusalFaults(golden: GoldenCase): string[] {
  return Object.keys(golden.meta.files).flatMap((file) => {
    try {
      programOf(golden.folder, file)
      return [`${file} was accepted`]
    } catch (error) {
      return error instanceof ModelError ? [] : [`${file} ${describe(error)}`]
    }
  })
}

/** Answers of a booster itself, which its own files give whatever the settings of its wrapper. */
const OF_BOOSTERS = new Set(['booster_predict', 'raw_margin'])

/** A booster's own file lacks what its wrapper adds: labels, a value for missing. XGBoost leaves a note in some. */
export function isAnsweredBy({ meta }: GoldenCase, file: string, method: string): boolean {
  const { loader } = meta.files[file] as { loader: string }
  if (loader !== 'xgboost' && loader !== 'lightgbm') return true
  const wrapped = meta.wrapper_only ?? []
  if (wrapped.includes(method)) return false
  return OF_BOOSTERS.has(method) || (/\.(json|ubj)$/.test(file) && wrapped.length === 0)
}

function answerFaults(golden: GoldenCase, file: string, executable: Executable): string[] {
  const { dtype: _, ...expected } = readExpected(golden)
  const input = readInput(golden)
  const frame = frameOf(executable.program, input.columns, input.rows)
  return Object.entries(expected).flatMap(([method, values]) => {
    if (!isAnsweredBy(golden, file, method)) return []
    const [answer] = executable.run(frame, [method as Method])
    if (answer === undefined) return [`${method} is not answered`]
    const contract = golden.meta.contracts?.[method] ?? golden.meta.contract
    const found = differences(answer, values, contract)
    return found.length === 0
      ? []
      : [`${method} ${contract}: ${found.length} differ, ${found.slice(0, 3).join('; ')}`]
  })
}

/** Rows the library raises on must raise here, whatever is asked. */
function errorRowFaults(golden: GoldenCase, executable: Executable): string[] {
  const input: GoldenInput = readInput(golden)
  const methods = Object.keys(golden.meta.contracts ?? {}) as Method[]
  return readErrorRows(golden).flatMap(({ row, error }) => {
    try {
      executable.run(frameOf(executable.program, input.columns, [row]), methods)
      return [`accepted ${JSON.stringify(row)}, where the library says ${error}`]
    } catch (raised) {
      return raised instanceof RowError || raised instanceof TypeError
        ? []
        : [`row raised ${describe(raised)}`]
    }
  })
}

const describe = (error: unknown): string =>
  error instanceof ModelError
    ? `refused (${error.kind}): ${error.message}`
    : String((error as Error).stack ?? error)
