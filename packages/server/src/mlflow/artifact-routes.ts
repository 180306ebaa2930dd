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
import { invalid, MlflowError } from '../tracking/errors.ts'
import { findRow } from '../tracking/runs.ts'
import { ofRun } from './about.ts'
import {
  type ArtifactAnswer,
  type ArtifactRequest,
  type ArtifactRoute,
  json,
  messageOf,
  ofPath,
  pathOf,
  twins,
} from './artifact-route.ts'
import { entriesOf } from './encode.ts'
import { int64, type Message, required, text } from './fields.ts'
import { MODEL_ARTIFACT_ROUTES } from './model-artifact-routes.ts'
import { RUN, runIdOf } from './run-fields.ts'
import { sendArtifact, sendArtifactAt } from './send-artifact.ts'
import { type AddressOf, presign, presignedOf } from './signed-addresses.ts'
import { UPLOAD_ROUTES } from './upload-routes.ts'

const READS = ['GET', 'HEAD'] as const
const FILES = 'mlflow-artifacts/artifacts'

const folderOf = ({ rest }: ArtifactRequest): FolderPath => parseFolder(decodeOnce(rest))
const listedFolder = ({ query }: ArtifactRequest): FolderPath =>
  parseFolder(new URLSearchParams(query).get('path') ?? '')

/** Files by where they are, for whoever knows it: clients learn it from runs and models. */
const PROXY_ROUTES: readonly ArtifactRoute[] = [
  ...twins(READS, `${FILES}/*`, {
    ...{ permission: 'read', about: ofPath('read', pathOf) },
    answer: (artifacts, request) => sendArtifact(artifacts, pathOf(request), request),
  }),
  ...twins(['PUT'], `${FILES}/*`, {
    ...{ permission: 'track', about: ofPath('write', pathOf) },
    async answer(artifacts, request) {
      const { headers, body } = request
      const expected = parseDigestHeader(headers['content-digest'] ?? headers.digest)
      await storeArtifact(artifacts, pathOf(request), body, { expected, ownsPieces: true })
      return json({})
    },
  }),
  ...twins(['DELETE'], `${FILES}/*`, {
    ...{ permission: 'deploy', about: ofPath('write', folderOf) },
    async answer({ writer }, request) {
      const path = folderOf(request)
      if (path === '') throw invalid('Invalid path')
      await writer.write((db) => deleteArtifacts(db, path))
      return json({})
    },
  }),
  ...twins(['GET'], FILES, {
    ...{ permission: 'read', about: ofPath('read', listedFolder) },
    answer: async ({ db }, request) =>
      json({ files: entriesOf(await listFolder(db, listedFolder(request)), (name) => name) }),
  }),
  ...twins(['GET'], 'mlflow-artifacts/presigned/*', {
    ...{ permission: 'read', about: ofPath('read', pathOf) },
    async answer(artifacts, request) {
      const { url, bytes } = await presign(artifacts, pathOf(request), { origin: request.origin })
      return json({ url, headers: {}, file_size: bytes })
    },
  }),
]

type RunMessage = Message<typeof RUN>
const runIn = ({ query }: ArtifactRequest): RunMessage => {
  const given = new URLSearchParams(query)
  return { run_id: given.get('run_id') ?? undefined, run_uuid: given.get('run_uuid') ?? undefined }
}
const LISTED = { ...RUN, path: text }
const PRESIGNED = { ...RUN, path: required(text), expiration: int64 }

/** Where a run's files are. @throws MlflowError RESOURCE_DOES_NOT_EXIST */
async function uriOfRun({ db }: Pick<Artifacts, 'db'>, run: RunMessage): Promise<string> {
  return (await findRow(db, runIdOf(run))).artifact_uri
}

const elsewhere = (uri: string): MlflowError =>
  new MlflowError(
    'NOT_IMPLEMENTED',
    `These artifacts are at ${uri}, which this server does not read; ask that store`,
  )

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
  ...twins(['GET'], 'mlflow/artifacts/list', {
    permission: 'read',
    about: async ({ db }, request) => ofRun(db, await messageOf(LISTED, request)),
    async answer(artifacts, request) {
      const message = await messageOf(LISTED, request)
      const path = parseFolder(message.path ?? '')
      const uri = await uriOfRun(artifacts, message)
      const entries = await listAt(artifacts, uri, path)
      return json({
        root_uri: uri,
        files: entriesOf(entries, (name) => (path === '' ? name : `${path}/${name}`)),
      })
    },
  }),
  ...twins(['POST'], 'mlflow/artifacts/presigned-download-url', {
    permission: 'read',
    about: async ({ db }, request) => ofRun(db, await messageOf(PRESIGNED, request)),
    async answer(artifacts, request) {
      const { path, expiration: seconds, ...run } = await messageOf(PRESIGNED, request)
      const address = { origin: request.origin, seconds }
      const uri = await uriOfRun(artifacts, run)
      const { url, bytes } = await presignAt(artifacts, uri, parsePath(path), address)
      return json({ presigned_url: url, headers: {}, file_size: bytes })
    },
  }),
  {
    ...{ methods: READS, path: '/get-artifact', permission: 'read' },
    about: ({ db }, request) => ofRun(db, runIn(request)),
    async answer(artifacts, request) {
      const path = parsePath(new URLSearchParams(request.query).get('path') ?? '')
      const uri = await uriOfRun(artifacts, runIn(request))
      return sendArtifactAt(artifacts, { uri, path, elsewhere }, request)
    },
  },
  {
    ...{ methods: ['POST'], path: '/ajax-api/2.0/mlflow/upload-artifact', permission: 'track' },
    about: ({ db }, request) => ofRun(db, { ...runIn(request), run_id: undefined }),
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
  const uri = await uriOfRun(artifacts, { run_id: runId, run_uuid: undefined })
  const folder = folderOfUri(uri)
  if (folder === undefined)
    throw new MlflowError(
      'NOT_IMPLEMENTED',
      `These artifacts are at ${uri}, where this server does not write; use that store`,
    )
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
