import type { Artifacts } from '../artifacts/open.ts'
import { folderOfUri, parsePath, pathIn } from '../artifacts/path.ts'
import { storageOf } from '../registered/source.ts'
import { findRegisteredVersion, parseVersion } from '../registered/versions.ts'
import { invalid, MlflowError, missing } from '../tracking/errors.ts'
import { findLoggedModel } from '../tracking/logged-models.ts'
import type { ArtifactAnswer, ArtifactRequest, ArtifactRoute } from './artifact-route.ts'
import { sendArtifact } from './send-artifact.ts'

const READS = ['GET', 'HEAD'] as const
const FILE_OF_MODEL = /^([^/]+)\/artifacts\/files$/

/** Files of models, by what they belong to; asked for by the user interface. */
export const MODEL_ARTIFACT_ROUTES: readonly ArtifactRoute[] = [
  {
    ...{ methods: READS, path: '/model-versions/get-artifact', permission: 'read' },
    async answer(artifacts, request) {
      const query = new URLSearchParams(request.query)
      const [model, version] = [query.get('name'), query.get('version')]
      if (!model) throw missing('name')
      if (!version) throw missing('version')
      const row = await findRegisteredVersion(artifacts.db, { model, number: parseVersion(version) })
      return sendBelow(artifacts, request, { location: storageOf(row), path: query.get('path') ?? '' })
    },
  },
  {
    ...{ methods: READS, path: '/ajax-api/2.0/mlflow/logged-models/*', permission: 'read' },
    async answer(artifacts, request) {
      const [, modelId] = FILE_OF_MODEL.exec(request.rest) ?? []
      if (modelId === undefined)
        throw new MlflowError('ENDPOINT_NOT_FOUND', `There is no logged-models/${request.rest}`)
      const { artifact_uri: location } = await findLoggedModel(artifacts.db, modelId)
      const path = new URLSearchParams(request.query).get('artifact_file_path') ?? ''
      return sendBelow(artifacts, request, { location, path })
    },
  },
]

async function sendBelow(
  artifacts: Artifacts,
  request: ArtifactRequest,
  { location, path }: { readonly location: string; readonly path: string },
): Promise<ArtifactAnswer> {
  const folder = folderOfUri(location)
  if (folder === undefined)
    throw invalid(`Its files are at ${location}, which this server does not read; ask that store`)
  return sendArtifact(artifacts, pathIn(folder, parsePath(path)), request)
}
