import type { Permission } from '@millwright/contracts/scopes'
import { assertAbout, experiment, type Grant, isBound, model, type Subject } from '../access/permission.ts'
import type { Db } from '../db/database.ts'
import { ownersOfSource } from '../registered/owners.ts'
import { MlflowError } from '../tracking/errors.ts'
import { getExperimentByName } from '../tracking/experiments.ts'
import { findLoggedModel } from '../tracking/logged-models.ts'
import { findRow } from '../tracking/runs.ts'
import type { Message } from './fields.ts'
import { type RUN, runIdOf } from './run-fields.ts'

/** What a request is about; keys that are good for some experiments or models alone must be good for all of it. */

type Subjects = Promise<readonly Subject[]>
type NamesRun = Message<typeof RUN>
type NamesModels = {
  readonly model_id?: string | undefined
  readonly metrics?: readonly { readonly model_id: string | undefined }[]
  readonly models?: readonly { readonly model_id: string }[]
}

/** What belongs to nobody alone is for keys that name nothing. */
export const everything = async (): Subjects => []

const runSubject = async (db: Db, id: string): Promise<Subject> =>
  experiment((await findRow(db, id)).experiment)
const loggedSubject = async (db: Db, id: string): Promise<Subject> =>
  experiment((await findLoggedModel(db, id)).experiment)

export const ofExperiment = async (
  _: Db,
  { experiment_id: id }: { readonly experiment_id: string },
): Subjects => [experiment(id)]

export const ofNamedExperiment = async (
  db: Db,
  { experiment_name: name }: { readonly experiment_name: string },
): Subjects => [experiment((await getExperimentByName(db, name)).id)]

/** A run, and models that something is said of beside it. */
export async function ofRun(db: Db, message: NamesRun & NamesModels): Subjects {
  const named = [
    message.model_id,
    ...[...(message.metrics ?? []), ...(message.models ?? [])].map((it) => it.model_id),
  ]
  const ids = new Set(named.filter((id) => id !== undefined && id !== ''))
  return [
    await runSubject(db, runIdOf(message)),
    ...(await Promise.all([...ids].map((id) => loggedSubject(db, id!)))),
  ]
}

/** Runs that are asked for at once. */
export const ofRuns = (db: Db, ids: readonly (string | undefined)[]): Subjects =>
  Promise.all([...new Set(ids)].map((id) => runSubject(db, id ?? '')))

export const ofLoggedModel = async (db: Db, { model_id: id }: { readonly model_id: string }): Subjects => [
  await loggedSubject(db, id),
]

export const ofNewLoggedModel = async (
  db: Db,
  {
    experiment_id,
    source_run_id: run,
  }: { readonly experiment_id: string; readonly source_run_id: string | undefined },
): Subjects => [experiment(experiment_id), ...(run ? [await runSubject(db, run)] : [])]

export const ofModel = async (_: Db, { name }: { readonly name: string }): Subjects => [model(name)]

/** The name it has, and the one it gets: of another key's, perhaps. */
export const ofRename = async (
  _: Db,
  { name, new_name: to }: { readonly name: string; readonly new_name: string },
): Subjects => [model(name), model(to)]

type NewVersion = {
  readonly name: string
  readonly source: string
  readonly run_id: string | undefined
  readonly model_id: string | undefined
}

/** The model, and everything that the version is made of. */
export const ofNewVersion = async (db: Db, { name, source, run_id, model_id }: NewVersion): Subjects => [
  model(name),
  ...(run_id ? [await runSubject(db, run_id)] : []),
  ...(model_id ? [await loggedSubject(db, model_id)] : []),
  ...(await ownersOfSource(db, source)),
]

/**
 * Of what is not there nobody is told who may not see all there is.
 * @throws MillwrightError PERMISSION_DENIED
 */
export async function assertWithin(
  grant: Grant | undefined,
  permission: Permission,
  find: () => Subjects,
): Promise<void> {
  if (grant === undefined || !isBound(grant)) return
  const subjects = await find().catch((error: unknown) => {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return []
    throw error
  })
  assertAbout(grant, permission, subjects)
}
