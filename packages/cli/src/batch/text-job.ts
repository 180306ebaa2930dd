import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { placeColumns } from './columns.ts'
import { type Job, rejectLines, type Task, VERSION_COLUMN } from './job.ts'
import type { Mark } from './journal.ts'
import { csvField, type TextPlan } from './text-rows.ts'
import { openTextSink } from './text-sink.ts'
import { piecesOf, readHeader, startOf } from './text-source.ts'

/** A CSV or NDJSON file: rows are written as they are read, behind each other. */
export async function openTextJob(task: Task, folder: string, mark: Mark): Promise<Job> {
  const { input, output, rejectsPath } = task
  const file = await open(input.path, 'r')
  const isCsv = input.format === 'csv'
  const header = isCsv ? await readHeader(file, input.path, input.separator) : undefined
  const plan = planOf(task, header?.names)
  const start = header?.next ?? (await startOf(file))
  const grown = join(folder, `rows.${input.format}`)
  const rejected = join(folder, 'rejects.ndjson')
  const sinks = mark.end
    ? undefined
    : { rows: await openTextSink(grown, mark.out), rejects: await openTextSink(rejected, mark.rejects) }
  if (header !== undefined && mark.out === 0) await sinks?.rows.append(`${headerLine(plan, header.text)}\n`)
  const { size } = await file.stat()
  return {
    text: plan,
    total: size,
    pieces: (from) => piecesOf(file, Math.max(from, start), isCsv),
    async append(piece, rows) {
      await sinks!.rows.append(piece.lines)
      await sinks!.rejects.append(rejectLines(piece, rows))
    },
    sync: async () => ({ out: await sinks!.rows.sync(), rejects: await sinks!.rejects.sync() }),
    async finish({ rejected: count }) {
      if (count > 0) await moveOnce(rejected, rejectsPath)
      else await rm(rejectsPath, { force: true })
      const isSame = output.format === input.format && output.separator === input.separator
      await (isSame ? moveOnce(grown, output.path) : convert(task, folder, grown))
    },
    async close() {
      await file.close()
      await sinks?.rows.close()
      await sinks?.rejects.close()
    },
  }
}

/** A file that is not there was moved before the process ended. */
async function moveOnce(from: string, to: string): Promise<void> {
  if (existsSync(from)) await rename(from, to)
}

/** The rows in another format than the input's. DuckDB is loaded for it. */
async function convert({ input, output, outputs }: Task, folder: string, grown: string): Promise<void> {
  const [{ openDatabase }, { convertText }] = await Promise.all([
    import('./parquet.ts'),
    import('./parquet-write.ts'),
  ])
  const path = join(folder, 'converted')
  const database = await openDatabase(folder)
  try {
    const format = input.format === 'csv' ? 'csv' : 'ndjson'
    await convertText(database, { ...input, path: grown, format }, { target: { ...output, path }, outputs })
  } finally {
    database.close()
  }
  await rename(path, output.path)
}

function planOf(
  { model, input, keep, names, outputs }: Task,
  header: readonly string[] | undefined,
): TextPlan {
  const added = [...outputs.map(({ name }) => name), VERSION_COLUMN]
  const { path, separator } = input
  return {
    kind: header === undefined ? 'ndjson' : 'csv',
    schema: model.schema,
    header: header ?? [],
    places: header === undefined ? [] : placeColumns({ path, header, names, keep, added }),
    ...{ separator, keep, added },
  }
}

function headerLine({ keep, added, separator }: TextPlan, text: string): string {
  const fields = (names: readonly string[]) => names.map((name) => csvField(name, separator))
  return [...(keep === undefined ? [text] : fields(keep)), ...fields(added)].join(separator)
}
