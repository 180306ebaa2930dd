import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Subject } from '../access/permission.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, decodeOnce, type FolderPath, parsePath } from '../artifacts/path.ts'
import type { BlobPart } from '../blobs/handover.ts'
import { ownersOf, ownLocation, readersOf } from '../registered/owners.ts'
import { invalid } from '../tracking/errors.ts'
import { givenBy } from './door.ts'
import { encode } from './encode.ts'
import { type Fields, type Message, readMessage } from './fields.ts'

export type ArtifactRequest = {
  readonly method: string
  /** What stands for `*` in the route's path, as it was sent. */
  readonly rest: string
  /** Without its question mark. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
  /** Under which name the client reached this server: `https://host:port`. */
  readonly origin: string
}

export type ArtifactAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | BlobPart | Readable
}

/** What a caller must be allowed to do; `public`: nothing but have the address, which is checked. */
type ArtifactPermission = 'public' | 'read' | 'track' | 'deploy'

type ArtifactSubjects = (artifacts: Artifacts, request: ArtifactRequest) => Promise<readonly Subject[]>

/** One row of the table: bodies are streams both ways. */
export type ArtifactRoute = {
  readonly methods: readonly ('GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE')[]
  /** May end with `*`: anything. */
  readonly path: string
  readonly permission: ArtifactPermission
  /** What a key must be good for; `anyone`: the address brings its permission. */
  readonly about: 'anyone' | ArtifactSubjects
  readonly answer: (artifacts: Artifacts, request: ArtifactRequest) => Promise<ArtifactAnswer>
}

/** The user interface asks for `ajax-api`, clients for `api`. */
export const twins = (
  methods: ArtifactRoute['methods'],
  path: string,
  row: Pick<ArtifactRoute, 'permission' | 'about' | 'answer'>,
): ArtifactRoute[] =>
  ['/api/2.0', '/ajax-api/2.0'].map((prefix) => ({ methods, path: `${prefix}/${path}`, ...row }))

/** What is done with the file or folder that a request names belongs to whoever owns it. */
export const ofPath =
  (
    use: 'read' | 'write',
    folderOf: (request: ArtifactRequest) => FolderPath | Promise<FolderPath>,
  ): ArtifactSubjects =>
  async ({ db }, request) => {
    const location = ownLocation(await folderOf(request))
    return use === 'read' ? readersOf(db, location) : ownersOf(db, location)
  }

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const pathOf = ({ rest }: ArtifactRequest): ArtifactPath => parsePath(decodeOnce(rest))

export const json = (body: object, status = 200): ArtifactAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: encode(body),
})

export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Room for the answers of ten thousand parts. */
const MOST_JSON_BYTES = 16 << 20

/** What a request says in its query, or in a body of JSON. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function messageOf<F extends Fields>(fields: F, request: ArtifactRequest): Promise<Message<F>> {
  const { method, query, headers } = request
  const body = method === 'GET' ? Buffer.of() : await readWhole(request.body)
  return readMessage(fields, givenBy({ method, query, contentType: headers['content-type'], body }, fields))
}

/** Read once, by whoever asks first. */
const bodies = new WeakMap<Readable, Promise<Buffer>>()

function readWhole(body: Readable): Promise<Buffer> {
  const known = bodies.get(body) ?? readAll(body)
  bodies.set(body, known)
  return known
}

async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_JSON_BYTES) throw invalid(`The body is longer than ${MOST_JSON_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
