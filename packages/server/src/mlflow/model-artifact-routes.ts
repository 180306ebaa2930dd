import { experiment, model } from '../access/permission.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { parsePath } from '../artifacts/path.ts'
import { storageOf } from '../registered/source.ts'
import { findRegisteredVersion, parseVersion } from '../registered/versions.ts'
import { invalid, MlflowError, missing } from '../tracking/errors.ts'
import { findLoggedModel } from '../tracking/logged-models.ts'
import type { ArtifactAnswer, ArtifactRequest, ArtifactRoute } from './artifact-route.ts'
import { sendArtifactAt } from './send-artifact.ts'

const READS = ['GET', 'HEAD'] as const
const FILE_OF_MODEL = /^([^/]+)\/artifacts\/files$/

/** @throws MlflowError ENDPOINT_NOT_FOUND */
function idIn({ rest }: ArtifactRequest): string {
  const [, modelId] = FILE_OF_MODEL.exec(rest) ?? []
  if (modelId === undefined) throw new MlflowError('ENDPOINT_NOT_FOUND', `There is no logged-models/${rest}`)
  return modelId
}

/** Files of models, by what they belong to; asked for by the user interface. */
export const MODEL_ARTIFACT_ROUTES: readonly ArtifactRoute[] = [
  {
    ...{ methods: READS, path: '/model-versions/get-artifact', permission: 'read' },
    about: async (_, { query }) => [model(new URLSearchParams(query).get('name') ?? '')],
    async answer(artifacts, request) {
      const query = new URLSearchParams(request.query)
      const [name, version] = [query.get('name'), query.get('version')]
      if (!name) throw missing('name')
      if (!version) throw missing('version')
      const row = await findRegisteredVersion(artifacts.db, { model: name, number: parseVersion(version) })
      return sendBelow(artifacts, request, { location: storageOf(row), path: query.get('path') ?? '' })
    },
  },
  {
    ...{ methods: READS, path: '/ajax-api/2.0/mlflow/logged-models/*', permission: 'read' },
    about: async ({ db }, request) => [experiment((await findLoggedModel(db, idIn(request))).experiment)],
    async answer(artifacts, request) {
      const { artifact_uri: location } = await findLoggedModel(artifacts.db, idIn(request))
      const path = new URLSearchParams(request.query).get('artifact_file_path') ?? ''
      return sendBelow(artifacts, request, { location, path })
    },
  },
]

const sendBelow = (
  artifacts: Artifacts,
  request: ArtifactRequest,
  { location, path }: { readonly location: string; readonly path: string },
): Promise<ArtifactAnswer> =>
  sendArtifactAt(artifacts, { uri: location, path: parsePath(path), elsewhere }, request)

const elsewhere = (uri: string): MlflowError =>
  invalid(`Its files are at ${uri}, which this server does not read; ask that store`)
