import { type ArtifactPath, decodeOnce, type FolderPath, parseFolder, pathIn } from '../artifacts/path.ts'
import { MOST_PARTS } from '../artifacts/uploads.ts'
import { invalid } from '../tracking/errors.ts'
import {
  type ArtifactRequest,
  type ArtifactRoute,
  json,
  messageOf,
  ofPath,
  pathOf,
  twins,
} from './artifact-route.ts'
import { int64, list, message, required, text } from './fields.ts'
import { sendArtifact } from './send-artifact.ts'
import { fetching, SIGNED_FILES, SIGNED_PARTS, sendingPart } from './signed-addresses.ts'

const PART = { part_number: required(int64), etag: required(text) }
const UPLOAD = { path: required(text), upload_id: required(text) }

/** The address names the folder; `path` is the file on the client's disk, of which the name counts. */
function placeOf({ rest }: ArtifactRequest, path: string): ArtifactPath {
  const folder: FolderPath = parseFolder(decodeOnce(rest))
  return pathIn(folder, path.split(/[\\/]/).at(-1)!)
}

/** Needed of whoever sends a file to a place in parts. */
const IN_PLACE = {
  permission: 'track',
  about: ofPath('write', async (request) =>
    placeOf(request, (await messageOf({ path: required(text) }, request)).path),
  ),
} as const

const plainTag = (etag: string): string => etag.replace(/^(?:W\/)?"(.*)"$/, '$1')

/** Large files in parts, each sent to an address that is good for it alone; and files fetched by such an address. */
export const UPLOAD_ROUTES: readonly ArtifactRoute[] = [
  ...twins(['POST'], 'mlflow-artifacts/mpu/create/*', {
    ...IN_PLACE,
    async answer({ uploads, signer }, request) {
      const fields = { path: required(text), num_parts: int64 }
      const { path, num_parts: parts = 1 } = await messageOf(fields, request)
      if (parts < 1 || parts > MOST_PARTS)
        throw invalid(`num_parts must be between 1 and ${MOST_PARTS} (got ${parts}).`)
      const { id, expiresAt, urls } = await uploads.create(placeOf(request, path), parts)
      const addressOf = (number: number): string =>
        `${request.origin}${SIGNED_PARTS.replace('*', `${id}/${number}`)}?${signer.sign(sendingPart(id, number), expiresAt)}`
      const numbers = Array.from({ length: parts }, (_, index) => index + 1)
      return json({
        upload_id: id,
        credentials: numbers.map((number) => ({
          ...{ url: urls?.[number - 1] ?? addressOf(number), part_number: number, headers: {} },
        })),
      })
    },
  }),
  ...twins(['POST'], 'mlflow-artifacts/mpu/complete/*', {
    ...IN_PLACE,
    async answer({ uploads }, request) {
      const fields = { ...UPLOAD, parts: required(list(required(message(PART)))) }
      const { path, upload_id: id, parts } = await messageOf(fields, request)
      const named = parts.map(({ part_number: number, etag }) => ({ number, etag: plainTag(etag) }))
      await uploads.complete(id, placeOf(request, path), named)
      return json({})
    },
  }),
  ...twins(['POST'], 'mlflow-artifacts/mpu/abort/*', {
    ...IN_PLACE,
    async answer({ uploads }, request) {
      const { path, upload_id: id } = await messageOf(UPLOAD, request)
      await uploads.abort(id, placeOf(request, path))
      return json({})
    },
  }),
  {
    ...{ methods: ['PUT'], path: SIGNED_PARTS, permission: 'public', about: 'anyone' },
    async answer({ uploads, signer }, { rest, query, body }) {
      const [, id = '', digits = ''] = /^([0-9a-f-]+)\/(\d{1,5})$/.exec(rest) ?? []
      const number = Number(digits)
      signer.assertSigned(sendingPart(id, number), new URLSearchParams(query))
      const etag = await uploads.putPart(id, number, body)
      return { status: 200, headers: { etag: `"${etag}"`, 'content-length': '0' } }
    },
  },
  {
    ...{ methods: ['GET', 'HEAD'], path: SIGNED_FILES, permission: 'public', about: 'anyone' },
    async answer(artifacts, request) {
      const path = pathOf(request)
      artifacts.signer.assertSigned(fetching(path), new URLSearchParams(request.query))
      return sendArtifact(artifacts, path, request)
    },
  },
]
