import type { Client } from '@millwright/client'
import type { ImportedRow, ImportRow } from '@millwright/contracts'
import { sendFiles } from './import-files.ts'
import type { Source, SourceRun, SourceVersion } from './source.ts'
import type { Tally } from './tally.ts'
import { noteNumbers, type ToldNumbers } from './told-numbers.ts'

export type Import = {
  readonly source: Source
  readonly client: Client
  readonly tally: Tally
  /** Reads again what came before, and compares it. */
  readonly again: boolean
  readonly onProgress: (note: string) => void
}

/** Rows and bytes of JSON that are sent at once. */
const [MOST_ROWS, MOST_BYTES] = [50, 4 << 20]

/**
 * Brings everything of a source here: experiments, runs with their metrics and files, logged models, registered models with their
 * versions and aliases, in this order, for each refers to those before. What is here already is not sent again. When it ends, that is
 * recorded.
 */
export async function importAll(work: Import): Promise<void> {
  const { source, client, tally } = work
  const told: ToldNumbers = new Map()
  const locations = new Map<string, string>()
  for await (const { id, row } of source.experiments()) {
    const [answer] = await send(work, [row])
    if (answer === undefined) continue
    tally.add('experiments', 1, 1)
    await importRuns(work, { there: id, here: answer.id }, locations)
    await importLoggedModels(work, { there: id, here: answer.id }, told)
  }
  await importRegistry(work, locations, told)
  const { counts, skipped_runs, differences } = tally.report()
  await client.endImport({ source: source.name, counts, skipped_runs, differences: differences.length })
}

/** Undefined where one is refused: then they are sent one by one, and those that are refused are named. */
async function send(
  { client, tally }: Import,
  rows: readonly ImportRow[],
): Promise<(ImportedRow | undefined)[]> {
  try {
    return (await client.importRows(rows)).rows
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (rows.length > 1) {
      const answers: (ImportedRow | undefined)[] = []
      for (const row of rows) answers.push(...(await send({ client, tally } as Import, [row])))
      return answers
    }
    tally.differ(`${nameOf(rows[0]!)}: ${(error as Error).message}`)
    return [undefined]
  }
}

/** What the server says about the data; that it cannot be reached, or does not let us, is none. */
const isRefusal = (error: unknown): boolean =>
  [400, 404, 409, 422].includes((error as { status?: number }).status ?? 0)

function nameOf(row: ImportRow): string {
  const { type, ...rest } = row as {
    type: string
    name?: string
    run_id?: string
    model_id?: string
    alias?: string
  }
  return `${type.replace('_', ' ')} ${rest.run_id ?? rest.model_id ?? rest.alias ?? rest.name}`
}

type Experiment = { readonly there: string; readonly here: string }

async function importRuns(
  work: Import,
  { there, here }: Experiment,
  locations: Map<string, string>,
): Promise<void> {
  let waiting: SourceRun[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const answers = await send(
      work,
      waiting.map(({ row }) => ({ ...row, experiment_id: here })),
    )
    for (const [index, run] of waiting.entries()) {
      const answer = answers[index]
      if (answer === undefined) work.tally.add('runs', 1, 0)
      else await importRun(work, run, answer)
    }
    waiting = []
    bytes = 0
  }
  for await (const run of work.source.runs(there)) {
    locations.set(run.row.run_id, run.artifactUri)
    waiting.push(run)
    bytes += JSON.stringify(run.row).length
    if (waiting.length >= MOST_ROWS || bytes > MOST_BYTES) await flush()
  }
  if (waiting.length > 0) await flush()
}

/** Its metrics and its files, and, when all is there, how it ended. */
async function importRun(work: Import, run: SourceRun, answer: ImportedRow): Promise<void> {
  const { source, tally, again, onProgress } = work
  const { run_id, status, end_time, tags, params } = run.row
  const isDone = answer.complete && !again
  let metrics = 0
  if (isDone) metrics = answer.metrics
  else
    for await (const stretch of source.metrics(run)) {
      metrics += stretch.length
      await send(work, [{ type: 'metrics', run_id, metrics: [...stretch] }])
    }
  if (isDone) tally.skip()
  else await sendFiles(work, { uri: run.artifactUri, folder: answer.folder, of: `run ${run_id}` })
  const [end] = isDone ? [answer] : await send(work, [{ type: 'end', run_id, status, end_time }])
  tally.add('runs', 1, end === undefined ? 0 : 1)
  for (const [what, there, here] of [
    ['metrics', metrics, end?.metrics ?? 0],
    ['params', params.length, end?.params ?? 0],
    ['tags', tags.length, end?.tags ?? 0],
  ] as const) {
    tally.add(what, there, here)
    if (there !== here) tally.differ(`run ${run_id}: ${there} ${what} there, ${here} here`)
  }
  onProgress(`${tally.of('runs')} runs, ${tally.of('metrics')} metric values, ${tally.of('files')} files`)
}

async function importLoggedModels(
  work: Import,
  { there, here }: Experiment,
  told: ToldNumbers,
): Promise<void> {
  for await (const { row, artifactUri } of work.source.loggedModels(there)) {
    noteNumbers(told, row.tags)
    const [answer] = await send(work, [{ ...row, experiment_id: here }])
    work.tally.add('logged models', 1, answer === undefined ? 0 : 1)
    if (answer !== undefined)
      await sendFiles(work, { uri: artifactUri, folder: answer.folder, of: `logged model ${row.model_id}` })
  }
}

async function importRegistry(
  work: Import,
  locations: ReadonlyMap<string, string>,
  told: ToldNumbers,
): Promise<void> {
  const { source, tally, onProgress } = work
  const versions: SourceVersion[] = []
  const aliases: ImportRow[] = []
  for await (const { row, lastNumber, aliases: pointers } of source.registeredModels()) {
    const own = await Array.fromAsync(source.versions(row.name))
    const numbers = [lastNumber, told.get(row.name) ?? 0, ...own.map(({ version }) => version.number)]
    const [answer] = await send(work, [{ ...row, last_number: Math.max(...numbers) }])
    tally.add('models', 1, answer === undefined ? 0 : 1)
    aliases.push(...pointers)
    versions.push(...own)
  }
  // Copies come after what they were copied from.
  versions.sort((a, b) => a.version.created_at - b.version.created_at)
  for (const version of versions) {
    await importVersion(work, version, locations)
    onProgress(`${tally.of('versions')} versions`)
  }
  for (const row of aliases) {
    const [answer] = await send(work, [row])
    const there = row.type === 'alias' ? row.version : 0
    tally.add('aliases', 1, answer?.version === there ? 1 : 0)
    if (answer !== undefined && answer.version !== there)
      tally.differ(
        `${nameOf(row)} of ${answer.id.split('@')[0]}: version ${there} there, ${answer.version} here, where it stays`,
      )
  }
}

async function importVersion(
  { client, tally }: Import,
  { model, version, storage }: SourceVersion,
  locations: ReadonlyMap<string, string>,
): Promise<void> {
  try {
    const files = filesOf({ model, version, storage }, locations)
    const { state, reason } = await client.importVersion(model, { ...version, files })
    tally.add('versions', 1, 1)
    if (state === 'REFUSED') tally.note(`${model}@${version.number} is kept and cannot be served: ${reason}`)
  } catch (error) {
    if (!isRefusal(error)) throw error
    tally.add('versions', 1, 0)
    tally.differ(`version ${version.number} of ${model}: ${(error as Error).message}`)
  }
}

/** Where the files of a version are among those that came. */
function filesOf({ version, storage }: SourceVersion, locations: ReadonlyMap<string, string>): string | null {
  if (version.model_id !== null) return `models:/${version.model_id}`
  for (const uri of [version.source, storage]) {
    if (/^(runs|models):\//.test(uri)) return uri
    const root = version.run_id === null ? undefined : locations.get(version.run_id)
    if (root !== undefined && uri.startsWith(`${root}/`))
      return `runs:/${version.run_id}/${uri.slice(root.length + 1)}`
  }
  return null
}
