import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, decodeOnce, parsePath } from '../artifacts/path.ts'
import type { BlobPart } from '../blobs/handover.ts'
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
  readonly body?: string | BlobPart
}

/** What a caller must be allowed to do; `public`: nothing but have the address, which is checked. */
export type ArtifactPermission = 'public' | 'read' | 'track' | 'deploy'

/** One row of the table: bodies are streams both ways. */
export type ArtifactRoute = {
  readonly methods: readonly ('GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE')[]
  /** May end with `*`: anything. */
  readonly path: string
  readonly permission: ArtifactPermission
  readonly answer: (artifacts: Artifacts, request: ArtifactRequest) => Promise<ArtifactAnswer>
}

/** The user interface asks for `ajax-api`, clients for `api`. */
export const twins = (
  methods: ArtifactRoute['methods'],
  path: string,
  permission: ArtifactPermission,
  answer: ArtifactRoute['answer'],
): ArtifactRoute[] =>
  ['/api/2.0', '/ajax-api/2.0'].map((prefix) => ({ methods, path: `${prefix}/${path}`, permission, answer }))

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

async function readWhole(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_JSON_BYTES) throw invalid(`The body is longer than ${MOST_JSON_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
