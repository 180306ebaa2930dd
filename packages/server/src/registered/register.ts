import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { PartsManifest } from '@millwright/contracts'
import type { Artifacts } from '../artifacts/open.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import { recordEvent } from '../events/record.ts'
import { chooseLabel } from '../registry/label.ts'
import { subjectOf } from '../registry/model.ts'
import { findVersion, readNumbering } from '../registry/store.ts'
import type { VersionQueue } from '../registry/version-queue.ts'
import { MlflowError } from '../tracking/errors.ts'
import type { Tag } from '../tracking/experiments.ts'
import { assertRegistryTag } from '../tracking/limits.ts'
import { findLoggedModel, getLoggedModel, putModelTags } from '../tracking/logged-models.ts'
import { IS_PROMPT } from '../tracking/search/entities.ts'
import { announce, namedTags } from '../webhooks/announce.ts'
import { type Mlmodel, readMlmodel } from './mlmodel.ts'
import { filesAt, type ModelFile } from './model-files.ts'
import { findRegisteredModel, touchModel } from './models.ts'
import { type Asked, type Origin, resolveSource } from './source.ts'
import {
  digestOf,
  getRegisteredVersion,
  type RegisteredVersion,
  type VersionId,
  type VersionRow,
} from './versions.ts'

export type RegisterDeps = {
  readonly db: Db
  readonly writer: Writer
  readonly core: Pick<Context, 'blobs' | 'now' | 'limits'>
  readonly artifacts: Artifacts
  readonly queue: Pick<VersionQueue, 'process'>
}

export type NewRegisteredVersion = Asked & {
  readonly model: string
  readonly description: string
  readonly runLink: string
  readonly tags: readonly Tag[]
  readonly by: string
  /** It is a version of another server, with what was said of it there. */
  readonly elsewhere?: {
    readonly number: number
    /** Where its files are here. */
    readonly files: string | null
    readonly stage: string
    readonly created_at: number
    readonly updated_at: number
  }
}

/** A file of a version as the engine will read it, or why there is none. */
type Servable = FileOfVersion | { readonly reason: string }
type FileOfVersion = {
  readonly digest: string
  readonly bytes: number
  readonly filename: string
  readonly sample: string | null
  readonly columns: readonly string[] | undefined
}

/**
 * Registers what a run logged as the next version of a model, reads its file, and answers when it is known whether it can
 * be served: a version that cannot is registered all the same and says why.
 * @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE
 */
export async function registerVersion(
  deps: RegisterDeps,
  request: NewRegisteredVersion,
): Promise<RegisteredVersion> {
  const { db, writer, core, queue } = deps
  for (const tag of request.tags) assertRegistryTag(tag)
  await findRegisteredModel(db, request.model)
  const origin: Origin = isPrompt(request)
    ? { ...request, storage: request.source }
    : await originOf(db, request)
  const servable: Servable = isPrompt(request)
    ? { reason: 'a prompt is no model' }
    : await findServable(deps, origin.storage)
  const reading = 'digest' in servable ? await findReading(deps, origin.storage, servable) : undefined
  const insertion = { request, origin, servable, reading, now: core.now() }
  const number = await writer.write((tx) => insert(tx, insertion))
  const id = { model: request.model, number }
  if ('digest' in servable && reading === undefined) {
    await queue.process(id)
    await renameColumns(deps, id, servable)
  }
  return getRegisteredVersion(db, id)
}

const PROMPT_TEXT = 'mlflow.prompt.text'

const isPrompt = ({ tags }: Pick<NewRegisteredVersion, 'tags'>): boolean =>
  tags.some(({ key, value }) => key === IS_PROMPT && value === 'true')

/** What is registered from another server may say it is where this one does not read: then it is only kept. */
async function originOf(db: Db, request: NewRegisteredVersion): Promise<Origin> {
  const { source, elsewhere } = request
  if (elsewhere === undefined) return resolveSource(db, request)
  const asItIs: Origin = { ...request, storage: source }
  if (elsewhere.files === null) return asItIs
  try {
    return { ...asItIs, storage: (await resolveSource(db, { ...request, source: elsewhere.files })).storage }
  } catch (error) {
    if (error instanceof MlflowError) return asItIs
    throw error
  }
}

const MANIFEST = 'MLmodel'

/** Looks for the model file below a location. */
async function findServable({ artifacts, core }: RegisterDeps, storage: string): Promise<Servable> {
  const { blobs, limits } = core
  const find = filesAt(artifacts, storage)
  if (find === undefined) return { reason: `its files are at ${storage}, where this server does not read` }
  const manifest = await find(MANIFEST)
  if (manifest === undefined) return { reason: `there is no file ${MANIFEST} at ${storage}` }
  const mlmodel = await readManifest(manifest)
  if (mlmodel === undefined) return { reason: `its file ${MANIFEST} cannot be read` }
  const { file, flavors, columns } = mlmodel
  if (file === undefined)
    return {
      reason: `none of its flavors (${flavors.join(', ') || 'none'}) has a file that can be read without Python`,
    }
  const found = await find(file.name)
  if (found === undefined) return { reason: `its file ${file.name} is not there` }
  const { bytes } = found
  if (bytes > limits.maxModelBytes)
    return {
      reason: `its file has ${bytes} bytes, and ${limits.maxModelBytes} are allowed (MILLWRIGHT_MAX_MODEL_BYTES)`,
    }
  const sample = await sampleOf(
    blobs,
    mlmodel.example === undefined ? undefined : await find(mlmodel.example),
  )
  return { digest: await found.store(blobs), bytes, filename: file.name, sample, columns }
}

/** Largest MLmodel file and example that are read into memory, in bytes. */
const MOST_BYTES = 4 << 20

async function readManifest(file: ModelFile): Promise<Mlmodel | undefined> {
  try {
    return readMlmodel((await readSmall(file)).toString())
  } catch {
    return undefined
  }
}

async function readSmall({ bytes, read }: ModelFile): Promise<Buffer> {
  if (bytes > MOST_BYTES) throw new RangeError(`${bytes} bytes are too many`)
  return Buffer.concat(await (await read()).toArray())
}

/** Rows of the request that was logged as an example: the version is tried on them. @returns a blob of them */
async function sampleOf(blobs: BlobStore, file: ModelFile | undefined): Promise<string | null> {
  if (file === undefined) return null
  try {
    const { dataframe_split: split } = JSON.parse((await readSmall(file)).toString()) as {
      dataframe_split?: { columns: string[]; data: unknown[][] }
    }
    if (split === undefined) return null
    const rows = split.data.map((cells) =>
      Object.fromEntries(split.columns.map((name, i) => [name, cells[i]])),
    )
    const { digest } = await blobs.put(Readable.from([Buffer.from(JSON.stringify({ rows }))]))
    return digest
  } catch {
    // An example is help, not a condition.
    return null
  }
}

type Insertion = {
  readonly request: NewRegisteredVersion
  readonly origin: Origin
  readonly servable: Servable
  /** Undefined: the file is to be read. */
  readonly reading: Reading | undefined
  readonly now: number
}

/** What was learnt of a file when another version was made of it. */
type Reading = Pick<VersionRow, 'program' | 'report' | 'schema' | 'contract' | 'check_result'> & {
  readonly columns: readonly string[] | undefined
}

/** The same file from the same place, tried on the same rows, is read once. */
async function findReading(
  { db, core }: RegisterDeps,
  storage: string,
  { digest, sample }: FileOfVersion,
): Promise<Reading | undefined> {
  const rows = await db
    .selectFrom('versions')
    .select(['parts', 'sample', 'program', 'report', 'schema', 'contract', 'check_result'])
    .where('storage', '=', storage)
    .where('state', '=', 'READY')
    .where('deleted_at', 'is', null)
    .execute()
  for (const { parts, sample: tried, ...reading } of rows) {
    const { digest: read, columns } = JSON.parse(parts ?? '{}') as Partial<PartsManifest>
    const isSame = read === digest && tried === sample && reading.program !== null
    if (isSame && (await core.blobs.head(reading.program!)) !== undefined) return { ...reading, columns }
  }
  return undefined
}

/** @returns its number */
async function insert(tx: Db, insertion: Insertion): Promise<number> {
  const { request, origin, now } = insertion
  const { model, by, elsewhere } = request
  await findRegisteredModel(tx, model)
  const numbering = await readNumbering(tx, model)
  const number = elsewhere?.number ?? numbering.next
  await tx
    .insertInto('versions')
    .values({
      ...{ model, number, label: chooseLabel({ number }, numbering.labels), attempts: 0 },
      ...fileColumns({ model, number }, insertion),
      ...{ source: origin.source, storage: origin.storage, run_id: origin.runId, model_id: origin.modelId },
      ...{ description: request.description, run_link: request.runLink },
      ...{
        created_at: elsewhere?.created_at ?? now,
        updated_at: elsewhere?.updated_at ?? now,
        created_by: by,
      },
      stage: elsewhere?.stage ?? null,
    })
    .execute()
  for (const { key, value } of new Map(request.tags.map((tag) => [tag.key, tag])).values())
    await tx.insertInto('version_tags').values({ model, number, key, value }).execute()
  if (elsewhere === undefined) await touchModel(tx, model, now)
  if (origin.modelId !== null && elsewhere === undefined)
    await noteVersion(tx, origin.modelId, { name: model, version: number })
  await recordEvent(tx, {
    ...{ at: now, by, type: 'version.created', subject: subjectOf({ model, number }) },
    data: { source: origin.source, run_id: origin.runId },
  })
  await announce(tx, { what: 'version.created', model, now, data: announced(request, origin, number) })
  return number
}

/** Of a prompt its text, which is one of its tags; of a model where it came from. */
function announced(request: NewRegisteredVersion, { source, runId }: Origin, number: number) {
  const { [PROMPT_TEXT]: template, ...tags } = namedTags(request.tags)
  const description = request.description || null
  return isPrompt(request)
    ? { version: `${number}`, template: template ?? '', tags, description }
    : { version: `${number}`, source, run_id: runId, tags: namedTags(request.tags), description }
}

function fileColumns(id: VersionId, { servable, reading }: Insertion) {
  if ('reason' in servable) {
    return {
      digest: digestOf(id),
      parts: null,
      sample: null,
      filename: null,
      bytes: 0,
      state: 'REFUSED',
      ...servable,
    } as const
  }
  const { digest, bytes, filename, sample } = servable
  const file = { bytes, filename, sample, reason: null }
  if (reading === undefined) return { ...identityOf(id, digest), ...file, state: 'PENDING' } as const
  const { columns, ...learnt } = reading
  return { ...identityOf(id, digest, columns), ...file, ...learnt, state: 'READY' } as const
}

/** The same files may be registered again, and are another version then. */
function identityOf({ model, number }: VersionId, digest: string, columns?: readonly string[]) {
  const manifest: PartsManifest = {
    ...{ millwright_parts: 1, digest, after: [], encode: [], registered: `${model}/${number}` },
    ...(columns && { columns: [...columns] }),
  }
  return {
    parts: JSON.stringify(manifest),
    digest: createHash('sha256').update(JSON.stringify(manifest)).digest('hex'),
  }
}

/** Where clients look which versions were made of a logged model. */
const VERSIONS_TAG = 'mlflow.modelVersions'

async function noteVersion(
  tx: Db,
  modelId: string,
  version: { name: string; version: number },
): Promise<void> {
  const { tags } = await getLoggedModel(tx, modelId)
  const before = JSON.parse(tags.find(({ key }) => key === VERSIONS_TAG)?.value ?? '[]') as unknown[]
  const value = JSON.stringify([...before, version])
  await putModelTags(tx, await findLoggedModel(tx, modelId), [{ key: VERSIONS_TAG, value }])
}

/** A model that was fitted without names of columns is given those of its signature, and read again. */
async function renameColumns(
  { db, writer, queue }: RegisterDeps,
  id: VersionId,
  servable: Servable,
): Promise<void> {
  if ('reason' in servable || servable.columns === undefined) return
  const version = await findVersion(db, id)
  const inputs = version?.schema?.inputs.map(({ name }) => name)
  const { columns, digest } = servable
  if (inputs === undefined || inputs.length !== columns.length) return
  if (inputs.every((name) => columns.includes(name))) return
  await writer.write((tx) =>
    tx
      .updateTable('versions')
      .set({ ...identityOf(id, digest, columns), state: 'PENDING', attempts: 0 })
      .where('model', '=', id.model)
      .where('number', '=', id.number)
      .execute(),
  )
  await queue.process(id)
}
