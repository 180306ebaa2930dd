import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { placeColumns } from './columns.ts'
import { type Job, rejectLines, type Task, VERSION_COLUMN } from './job.ts'
import type { Mark } from './journal.ts'
import { describeParquet, openDatabase, openResults, piecesOfParquet } from './parquet.ts'
import { writeAnswered, writeRejected } from './parquet-write.ts'
import { openTextSink } from './text-sink.ts'

/** A Parquet file: answers are gathered beside it, and written with its rows in the end. */
export async function openParquetJob(task: Task, folder: string, mark: Mark): Promise<Job> {
  const { input, output, keep, names, outputs, model, rejectsPath } = task
  const database = await openDatabase(folder)
  const file = await describeParquet(database, input.path)
  const header = file.columns.map(({ name }) => name)
  const added = [...outputs.map(({ name }) => name), VERSION_COLUMN]
  const places = placeColumns({ path: input.path, header, names, keep, added })
  const columns = places.map((place) => file.columns[place]!)
  const results = await openResults(database, { folder, outputs, parts: mark.out })
  const reasons = join(folder, 'rejects.ndjson')
  const sink = mark.end ? undefined : await openTextSink(reasons, mark.rejects)
  const stage = async (
    name: string,
    path: string,
    write: (staged: string) => Promise<void>,
  ): Promise<void> => {
    const staged = join(folder, name)
    await write(staged)
    await rename(staged, path)
  }
  return {
    text: undefined,
    total: file.rows,
    pieces: (from) => piecesOfParquet(database, file, columns, from),
    async append(piece, rows) {
      results.append(piece)
      await sink!.append(rejectLines(piece, rows))
    },
    sync: async () => ({ out: await results.sync(), rejects: await sink!.sync() }),
    async finish({ out: parts, rejected }) {
      const joined = { input: file, folder, parts, outputs }
      if (rejected === 0) await rm(rejectsPath, { force: true })
      else await stage('rejects', rejectsPath, (path) => writeRejected(database, file, { reasons, path }))
      const written = { keep: keep ?? header, version: model.version, anyRejected: rejected > 0 }
      await stage('answered', output.path, (path) =>
        writeAnswered(database, joined, { ...written, target: { ...output, path } }),
      )
    },
    async close() {
      database.close()
      await sink?.close()
    },
  }
}
