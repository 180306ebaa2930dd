import { experiment, model, type Subject } from '../access/permission.ts'
import { folderOfUri } from '../artifacts/path.ts'
import type { Db } from '../db/database.ts'
import { MlflowError } from '../tracking/errors.ts'
import { findLoggedModel } from '../tracking/logged-models.ts'
import { findRow } from '../tracking/runs.ts'
import { parseSource, viewNameOf } from './source.ts'

const OWN = 'mlflow-artifacts:/'

export const ownLocation = (folder: string): string => OWN + folder

/**
 * Whose files are at a location: the experiment's that begins nearest above it, or a model's whose uploaded versions are
 * shown there. None: nobody's.
 */
export async function ownersOf(db: Db, uri: string): Promise<readonly Subject[]> {
  const location = plainOf(uri)
  const [, view] = /^mlflow-artifacts:\/registry\/([^/]+)\//.exec(`${location}/`) ?? []
  if (view !== undefined) return modelOfView(db, view)
  const rows = await db
    .selectFrom('experiments')
    .select(['id', 'artifact_location'])
    .where((is) =>
      is.or([
        is(
          'artifact_location',
          'in',
          above(location).flatMap((place) => [place, `${place}/`]),
        ),
        is('artifact_location', 'like', `${OWN}/%`),
      ]),
    )
    .execute()
  const around = rows
    .map(({ id, artifact_location }) => ({ id, place: plainOf(artifact_location) }))
    .filter(({ place }) => location === place || location.startsWith(`${place.replace(/\/$/, '')}/`))
  const nearest = Math.max(0, ...around.map(({ place }) => place.length))
  return around.filter(({ place }) => place.length === nearest).map(({ id }) => experiment(id))
}

/** Who may read there: the owners, and models of which a version has its files there. */
export async function readersOf(db: Db, uri: string): Promise<readonly Subject[]> {
  const owners = await ownersOf(db, uri)
  const [owner] = owners
  if (owners.length > 1 || (owner !== undefined && 'anyOf' in owner)) return owners
  const rows = await db
    .selectFrom('versions')
    .select('model')
    .distinct()
    .where('deleted_at', 'is', null)
    .where((is) => is.fn.coalesce('storage', 'source'), 'in', above(plainOf(uri)))
    .execute()
  return [{ anyOf: [...(owner === undefined ? [] : [owner]), ...rows.map((row) => model(row.model))] }]
}

/** Whose files a version would be made of. @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function ownersOfSource(db: Db, text: string): Promise<readonly Subject[]> {
  const source = parseSource(text)
  switch (source.kind) {
    case 'logged':
      return [experiment((await findLoggedModel(db, source.id)).experiment)]
    case 'version':
    case 'aliased':
      return [model(source.model)]
    case 'run':
      return [experiment((await findRow(db, source.run)).experiment)]
    case 'location': {
      const owners = await readersOf(db, text)
      if (owners.length === 0) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', 'It is in no experiment')
      return owners
    }
  }
}

/** One way to write what may be written in several; what is no folder stays as it is. */
function plainOf(uri: string): string {
  const text = uri.replace(/\/+$/, '')
  try {
    const folder = folderOfUri(uri)
    return folder === undefined ? text : ownLocation(folder)
  } catch {
    return text
  }
}

/** A location and all that are above it. */
function above(location: string): string[] {
  const parts = location.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

async function modelOfView(db: Db, view: string): Promise<readonly Subject[]> {
  if (viewNameOf(view) === view) return [model(view)]
  const rows = await db.selectFrom('models').select('name').execute()
  return rows.filter(({ name }) => viewNameOf(name) === view).map(({ name }) => model(name))
}
