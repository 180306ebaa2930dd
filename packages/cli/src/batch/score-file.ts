import { extname, resolve } from 'node:path'
import { compileProgram } from '@millwright/engine/compiled'
import type { Layouts } from '@millwright/engine/place'
import { type CliContext, UsageError } from '../command.ts'
import { assertRegularFile } from '../read-file.ts'
import type { TableFile, Task } from './job.ts'
import type { BatchModel } from './model.ts'
import { watchBatch } from './progress.ts'
import { runBatch, type Summary, THREADS } from './run-batch.ts'
import { createScorer } from './scorer.ts'

export type Scoring = Pick<Task, 'model' | 'input' | 'output' | 'keep' | 'rejectsPath'> & {
  /** As it was asked for. */
  readonly name: string
  readonly maxRejects: number
  readonly restart: boolean
}

export type Scored = Summary & Pick<Task, 'outputs'> & { readonly seconds: number }

/** Scores a file on all cores, and says how far it is. @throws CommandError */
export async function scoreFile({ terminal }: CliContext, scoring: Scoring): Promise<Scored> {
  const { name, maxRejects, restart, ...files } = scoring
  await assertRegularFile(files.input.path)
  const { shared, schema, decision, version } = files.model
  const { layouts, ...about } = prepare(files.model)
  const watch = watchBatch(terminal, name)
  const summary = await runBatch(
    { ...files, ...about },
    {
      ...{ maxRejects, restart },
      worker: { program: shared.bytes, layouts, schema, decision, version },
      onProgress: watch.update,
      onWriting: watch.writing,
    },
  )
  return { ...summary, outputs: about.outputs, seconds: watch.done() }
}

/** Compiles the program for all threads: what it lays out in memory is there once. */
function prepare({ shared, schema, decision }: BatchModel): {
  layouts: readonly Layouts[]
  names: Task['names']
  outputs: Task['outputs']
} {
  const seats = THREADS + 1
  const executable = compileProgram(shared.program, { seat: { number: 0, of: seats, isPioneer: false } })
  const { names, outputs } = createScorer(executable, { schema, decision, manners: 'tensor' })
  return { layouts: executable.layouts, names, outputs }
}

const FORMATS: Readonly<Record<string, Pick<TableFile, 'format' | 'separator'>>> = {
  '.csv': { format: 'csv', separator: ',' },
  '.tsv': { format: 'csv', separator: '\t' },
  '.ndjson': { format: 'ndjson', separator: ',' },
  '.jsonl': { format: 'ndjson', separator: ',' },
  '.parquet': { format: 'parquet', separator: ',' },
}

/** A file of rows by its name. @throws UsageError */
export function tableFileOf(given: string | undefined, option: string): TableFile {
  if (given === undefined) throw new UsageError(`missing --${option} FILE`)
  const format = FORMATS[extname(given).toLowerCase()]
  if (format === undefined)
    throw new UsageError(
      `--${option} takes a ${Object.keys(FORMATS).join(', ')} file, got ${JSON.stringify(given)}`,
    )
  return { path: resolve(given), ...format }
}

/** @throws UsageError */
export function maxRejectsOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^\d+$/.test(text))
    throw new UsageError(`--max-rejects takes a whole number, got ${JSON.stringify(text)}`)
  return Number(text)
}
