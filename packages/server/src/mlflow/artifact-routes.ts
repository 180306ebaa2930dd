import { MillwrightError } from '@millwright/contracts/errors'
import type { Artifacts } from '../artifacts/open.ts'
import {
  type ArtifactPath,
  decodeOnce,
  type FolderPath,
  folderOfUri,
  parseFolder,
  parsePath,
  pathIn,
} from '../artifacts/path.ts'
import { storeArtifact } from '../artifacts/put.ts'
import { deleteArtifacts, type Entry, listFolder } from '../artifacts/store.ts'
import { parseDigestHeader } from '../blobs/digest-header.ts'
import { invalid, MlflowError, missing } from '../tracking/errors.ts'
import { findRow } from '../tracking/runs.ts'
import {
  type ArtifactAnswer,
  type ArtifactRequest,
  type ArtifactRoute,
  json,
  messageOf,
  pathOf,
  twins,
} from './artifact-route.ts'
import { entriesOf } from './encode.ts'
import { int64, required, text } from './fields.ts'
import { MODEL_ARTIFACT_ROUTES } from './model-artifact-routes.ts'
import { sendArtifact } from './send-artifact.ts'
import { type AddressOf, presign, presignedOf } from './signed-addresses.ts'
import { UPLOAD_ROUTES } from './upload-routes.ts'

const READS = ['GET', 'HEAD'] as const
const FILES = 'mlflow-artifacts/artifacts'

/** Files by where they are, for whoever knows it: clients learn it from runs and models. */
const PROXY_ROUTES: readonly ArtifactRoute[] = [
  ...twins(READS, `${FILES}/*`, 'read', (artifacts, request) =>
    sendArtifact(artifacts, pathOf(request), request),
  ),
  ...twins(['PUT'], `${FILES}/*`, 'track', async (artifacts, request) => {
    const { headers, body } = request
    const expected = parseDigestHeader(headers['content-digest'] ?? headers.digest)
    await storeArtifact(artifacts, pathOf(request), body, { expected, ownsPieces: true })
    return json({})
  }),
  ...twins(['DELETE'], `${FILES}/*`, 'deploy', async ({ writer }, { rest }) => {
    const path = parseFolder(decodeOnce(rest))
    if (path === '') throw invalid('Invalid path')
    await writer.write((db) => deleteArtifacts(db, path))
    return json({})
  }),
  ...twins(['GET'], FILES, 'read', async ({ db }, { query }) => {
    const folder = parseFolder(new URLSearchParams(query).get('path') ?? '')
    return json({ files: entriesOf(await listFolder(db, folder), (name) => name) })
  }),
  ...twins(['GET'], 'mlflow-artifacts/presigned/*', 'read', async (artifacts, request) => {
    const { url, bytes } = await presign(artifacts, pathOf(request), { origin: request.origin })
    return json({ url, headers: {}, file_size: bytes })
  }),
]

const RUN = { run_id: text, run_uuid: text }
type RunMessage = { readonly run_id: string | undefined; readonly run_uuid: string | undefined }

/** Where a run's files are. @throws MlflowError RESOURCE_DOES_NOT_EXIST */
async function uriOfRun(
  { db }: Pick<Artifacts, 'db'>,
  { run_id: id, run_uuid: uuid }: RunMessage,
): Promise<string> {
  const runId = id || uuid
  if (!runId) throw missing('run_id')
  return (await findRow(db, runId)).artifact_uri
}

const elsewhere = (uri: string): MlflowError =>
  new MlflowError(
    'NOT_IMPLEMENTED',
    `These artifacts are at ${uri}, which this server does not read; ask that store`,
  )

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST; NOT_IMPLEMENTED when they are in another store */
async function folderOfRun(artifacts: Artifacts, run: RunMessage): Promise<FolderPath> {
  const uri = await uriOfRun(artifacts, run)
  const folder = folderOfUri(uri)
  if (folder === undefined) throw elsewhere(uri)
  return folder
}

const below = (folder: FolderPath, path: FolderPath): FolderPath =>
  path === '' ? folder : pathIn(folder, path)

/** Names at a location, be it here or in the store that clients use themselves. @throws MlflowError NOT_IMPLEMENTED */
async function listAt({ db, direct }: Artifacts, uri: string, path: FolderPath): Promise<Entry[]> {
  const here = folderOfUri(uri)
  if (here !== undefined) return listFolder(db, below(here, path))
  const there = direct?.folderOf(uri)
  if (there === undefined) throw elsewhere(uri)
  return direct!.list(below(there, path))
}

/** An address of a file at a location. @throws MlflowError RESOURCE_DOES_NOT_EXIST, NOT_IMPLEMENTED */
function presignAt(artifacts: Artifacts, uri: string, path: ArtifactPath, address: AddressOf) {
  const here = folderOfUri(uri)
  if (here !== undefined) return presign(artifacts, pathIn(here, path), address)
  const there = artifacts.direct?.folderOf(uri)
  if (there === undefined) throw elsewhere(uri)
  return artifacts.direct!.presign(pathIn(there, path), presignedOf(path, address.seconds))
}

/** The same files, by their run and where they are in it. */
const RUN_ROUTES: readonly ArtifactRoute[] = [
  ...twins(['GET'], 'mlflow/artifacts/list', 'read', async (artifacts, request) => {
    const message = await messageOf({ ...RUN, path: text }, request)
    const path = parseFolder(message.path ?? '')
    const uri = await uriOfRun(artifacts, message)
    const entries = await listAt(artifacts, uri, path)
    return json({
      root_uri: uri,
      files: entriesOf(entries, (name) => (path === '' ? name : `${path}/${name}`)),
    })
  }),
  ...twins(['POST'], 'mlflow/artifacts/presigned-download-url', 'read', async (artifacts, request) => {
    const fields = { ...RUN, path: required(text), expiration: int64 }
    const { path, expiration: seconds, ...run } = await messageOf(fields, request)
    const address = { origin: request.origin, seconds }
    const uri = await uriOfRun(artifacts, run)
    const { url, bytes } = await presignAt(artifacts, uri, parsePath(path), address)
    return json({ presigned_url: url, headers: {}, file_size: bytes })
  }),
  {
    ...{ methods: READS, path: '/get-artifact', permission: 'read' },
    async answer(artifacts, request) {
      const query = new URLSearchParams(request.query)
      const [id, uuid] = [query.get('run_id') ?? undefined, query.get('run_uuid') ?? undefined]
      const path = parsePath(query.get('path') ?? '')
      const folder = await folderOfRun(artifacts, { run_id: id, run_uuid: uuid })
      return sendArtifact(artifacts, pathIn(folder, path), request)
    },
  },
  {
    ...{ methods: ['POST'], path: '/ajax-api/2.0/mlflow/upload-artifact', permission: 'track' },
    answer: uploadSmall,
  },
]

const SMALL_BYTES = 10 << 20
const tooLarge = (): MlflowError => invalid('Artifact size is too large. Max size is 10MB.')

/** What the user interface attaches to a run. */
async function uploadSmall(
  artifacts: Artifacts,
  { query, headers, body }: ArtifactRequest,
): Promise<ArtifactAnswer> {
  const given = new URLSearchParams(query)
  const runId = given.get('run_uuid')
  const path = given.get('path')
  if (!runId) throw invalid('Request must specify run_uuid.')
  if (!path) throw invalid('Request must specify path.')
  const length = Number(headers['content-length'] ?? 0)
  if (length === 0 && headers['transfer-encoding'] === undefined) throw invalid('Request must specify data.')
  if (length > SMALL_BYTES) throw tooLarge()
  const folder = await folderOfRun(artifacts, { run_id: runId, run_uuid: undefined })
  try {
    await storeArtifact(artifacts, pathIn(folder, parsePath(path)), body, { maxBytes: SMALL_BYTES })
  } catch (error) {
    throw error instanceof MillwrightError && error.code === 'BODY_TOO_LARGE' ? tooLarge() : error
  }
  return json({})
}

/** Everything that MLflow's protocol says about files, but what models add to it. */
export const ARTIFACT_ROUTES: readonly ArtifactRoute[] = [
  ...PROXY_ROUTES,
  ...RUN_ROUTES,
  ...UPLOAD_ROUTES,
  ...MODEL_ARTIFACT_ROUTES,
]
