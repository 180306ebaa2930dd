import { createHash } from 'node:crypto'
import type { Db } from '../db/database.ts'
import { invalid } from '../tracking/errors.ts'
import { findLoggedModel } from '../tracking/logged-models.ts'
import { findRow } from '../tracking/runs.ts'
import { findRegisteredVersion, getVersionByAlias, parseVersion, type VersionRow } from './versions.ts'

/** Where a version comes from, and where its files are. */
export type Origin = {
  readonly source: string
  /** A location, such as `mlflow-artifacts:/1/models/m-…/artifacts`. */
  readonly storage: string
  readonly runId: string | null
  readonly modelId: string | null
}
export type Asked = {
  readonly source: string
  readonly runId: string | null
  readonly modelId: string | null
}

/** What the text of a source says. */
export type Source =
  | { readonly kind: 'logged'; readonly id: string }
  | { readonly kind: 'version'; readonly model: string; readonly number: string }
  | { readonly kind: 'aliased'; readonly model: string; readonly alias: string }
  | { readonly kind: 'run'; readonly run: string; readonly path: string }
  | { readonly kind: 'location' }

const MODEL = /^models:\/(m-[0-9a-f]+)\/?$/
const VERSION = /^models:\/+(.+)\/(\d+)$/
const ALIASED = /^models:\/+(.+)@([^/@]+)$/
const RUN = /^runs:\/+([^/]+)\/(.+)$/

/** Files of versions that were not registered from anywhere: a view of what was uploaded. */
export const viewOf = ({ model, number }: Pick<VersionRow, 'model' | 'number'>): string =>
  `mlflow-artifacts:/registry/${viewNameOf(model)}/${number}`

/** The name of a model as that of a folder: of each model another. */
export function viewNameOf(model: string): string {
  if (/^\w[\w.-]*$/.test(model)) return model
  const digest = createHash('sha256').update(model).digest('hex').slice(0, 16)
  return `${model.replaceAll(/[^\w-]/g, '_').slice(0, 64)}~${digest}`
}

export function parseSource(text: string): Source {
  const [, id] = MODEL.exec(text) ?? []
  if (id !== undefined) return { kind: 'logged', id }
  const [, versioned, number] = VERSION.exec(text) ?? []
  if (versioned !== undefined) return { kind: 'version', model: versioned, number: number! }
  const [, model, alias] = ALIASED.exec(text) ?? []
  if (model !== undefined) return { kind: 'aliased', model, alias: alias! }
  const [, run, path] = RUN.exec(text) ?? []
  return run === undefined ? { kind: 'location' } : { kind: 'run', run, path: path! }
}

export const storageOf = (version: VersionRow): string => version.storage ?? version.source ?? viewOf(version)

/**
 * Follows `models:/m-…`, `models:/name/1`, `models:/name@alias` and `runs:/…` to where the files are.
 * @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE for a source that must not be read
 */
export async function resolveSource(db: Db, { source, runId, modelId }: Asked): Promise<Origin> {
  const parsed = parseSource(source)
  const logged = parsed.kind === 'logged' ? parsed.id : modelId
  if (logged !== null) {
    const model = await findLoggedModel(db, logged)
    return { source, storage: model.artifact_uri, runId: runId ?? model.source_run_id, modelId: logged }
  }
  const version = await versionIn(db, parsed)
  if (version !== undefined)
    return { source, storage: storageOf(version), runId: runId ?? version.run_id, modelId: version.model_id }
  if (parsed.kind === 'run') {
    assertPlain(source, parsed.path)
    const { artifact_uri: root } = await findRow(db, parsed.run)
    return { source, storage: `${root}/${parsed.path}`, runId: runId ?? parsed.run, modelId }
  }
  await assertMayRead(db, source, runId)
  return { source, storage: source, runId, modelId }
}

async function versionIn(db: Db, source: Source): Promise<VersionRow | undefined> {
  if (source.kind === 'version')
    return findRegisteredVersion(db, { model: source.model, number: parseVersion(source.number) })
  return source.kind === 'aliased' ? getVersionByAlias(db, source.model, source.alias) : undefined
}

/** Refused in MLflow's words: a file of this machine, or a path that leads out of where it begins. */
async function assertMayRead(db: Db, source: string, runId: string | null): Promise<void> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase()
  if (scheme === undefined || scheme === 'file' || scheme.length === 1) {
    const root = runId === null ? undefined : (await findRow(db, runId)).artifact_uri
    if (root === undefined || !`${source}/`.startsWith(`${root}/`) || isTwisted(source))
      throw invalid(
        `Invalid model version source: '${source}'. To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id.`,
      )
    return
  }
  assertPlain(source, source.slice(scheme.length + 1))
}

function assertPlain(source: string, path: string): void {
  if (isTwisted(path))
    throw invalid(
      `Invalid model version source: '${source}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.`,
    )
}

/** However often it is decoded: parts of two dots, other systems' separators, or what follows `#`, `?` and `;` as a path. */
function isTwisted(path: string): boolean {
  let text = path
  for (let round = 0; round < 10; round++) {
    if (/(^|[/\\#?;])\.\.($|[/\\#?;])|\\|\0/.test(text)) return true
    let decoded: string
    try {
      decoded = decodeURIComponent(text)
    } catch {
      return text.includes('%')
    }
    if (decoded === text) return false
    text = decoded
  }
  return true
}
