import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { MillwrightError } from '@millwright/contracts/errors'
import type { BlobStore } from '../blobs/blob-store.ts'
import { BLOB, READS_BLOBS, readBlobPart } from '../blobs/handover.ts'
import { Agent, request } from '../http.ts'
import { releasePiece } from '../release-piece.ts'
import type { Exchange } from './exchange.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { GatewayMetrics } from './metrics.ts'
import { sendBlob } from './send-blob.ts'

/** Headers that belong to one connection (RFC 9110, 7.6.1), and `Expect`, which is answered here. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const CONNECTION_FAULTS = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'EAGAIN'])

export type ControlProxy = {
  /** Passes a request to control and streams its answer back; `onError` answers instead when it has none. */
  readonly pass: (exchange: HttpExchange, onError: (error: Error) => void) => void
  /** Asks control for a change in the name of who asks here. @throws MillwrightError CONTROL_UNAVAILABLE, CHANGE_FAILED */
  readonly post: (exchange: Exchange, path: string) => Promise<void>
  readonly close: () => void
}

/** Everything that is not a prediction is control's: one hop over its socket, bodies streamed both ways. */
export function createProxy(
  socketPath: string,
  metrics: GatewayMetrics,
  blobs: Pick<BlobStore, 'open'>,
): ControlProxy {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 16 })
  const attempt = (exchange: HttpExchange, onError: (error: Error) => void, retried: boolean): void => {
    const { request: incoming, response, url, id } = exchange
    const { method } = incoming
    const headers = { ...endToEnd(incoming.headers), ...forwarded(exchange) }
    const fail = (error: Error): void => {
      if (response.headersSent) response.destroy()
      else onError(faultOf(error))
    }
    const outgoing = request({ socketPath, agent, method, path: url, headers }, (answer) => {
      metrics.requests.with('proxy', `${Math.trunc((answer.statusCode ?? 502) / 100)}xx`).value += 1
      // What is left of a body that control did not wait for would be read as the next request, or for ever.
      if (!incoming.complete) response.shouldKeepAlive = false
      sendBack(answer, response, { id, blobs }).catch(fail)
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (!retried && mayRetry(outgoing, incoming, error)) return attempt(exchange, onError, true)
      fail(error)
    })
    // Of what is answered and was sent whole nothing is left to be ended.
    response.on('close', () => outgoing.destroy())
    // Control may refuse by the head alone; without this it is sent with the first piece of the body.
    if (!incoming.complete) outgoing.flushHeaders()
    passBody(incoming, outgoing)
  }
  return {
    pass(exchange, onError) {
      metrics.state.inFlight += 1
      exchange.response.once('close', () => {
        metrics.state.inFlight -= 1
      })
      attempt(exchange, onError, false)
    },
    post: (exchange, path) =>
      new Promise((resolve, reject) => {
        const credentials = CREDENTIALS.flatMap((name) => {
          const value = exchange.header(name)
          return value === undefined ? [] : [[name, value]]
        })
        const headers = { ...Object.fromEntries(credentials), 'content-type': 'application/json' }
        const asked = request({ socketPath, agent, method: 'POST', path, headers }, (answer) => {
          readText(answer).then((text) => {
            if (answer.statusCode! < 300) resolve()
            else reject(new MillwrightError('CHANGE_FAILED', { reason: detailOf(text) }))
          }, reject)
        })
        asked.on('error', (error) => reject(faultOf(error)))
        asked.end('{}')
      }),
    close: () => agent.destroy(),
  }
}

/** By which control knows who asks. */
const CREDENTIALS = ['authorization', 'x-api-key', 'x-millwright-user', 'host']

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** What a problem document says. */
function detailOf(text: string): string {
  try {
    return String((JSON.parse(text) as { detail?: unknown }).detail)
  } catch {
    return 'control did not say why'
  }
}

/** Control may close an idle connection in the moment it is used again. */
function mayRetry(
  outgoing: ClientRequest,
  { method }: IncomingMessage,
  error: NodeJS.ErrnoException,
): boolean {
  return outgoing.reusedSocket && error.code === 'ECONNRESET' && (method === 'GET' || method === 'HEAD')
}

const faultOf = (error: NodeJS.ErrnoException): Error =>
  CONNECTION_FAULTS.has(error.code ?? '')
    ? new MillwrightError('CONTROL_UNAVAILABLE', {}, { cause: error })
    : error

type Sending = { readonly id: string; readonly blobs: Pick<BlobStore, 'open'> }

/** The bytes that control sent, or those of the blob that it named. */
async function sendBack(
  answer: IncomingMessage,
  response: ServerResponse,
  { id, blobs }: Sending,
): Promise<void> {
  const { [BLOB]: blob, ...headers } = endToEnd(answer.headers)
  const status = answer.statusCode ?? 502
  if (typeof blob === 'string') {
    answer.resume()
    const part = readBlobPart(blob)
    const length = { 'content-length': part.end - part.start }
    await sendBlob(blobs, part, response, () => {
      response.writeHead(status, { ...headers, ...length, 'request-id': id })
    })
    return
  }
  response.writeHead(status, { ...headers, 'request-id': id })
  answer.on('error', () => response.destroy())
  passBody(answer, response)
}

/** As `pipe` does, and gives the memory of each piece back when it is sent. */
function passBody(from: IncomingMessage, to: ClientRequest | ServerResponse): void {
  const pass = (piece: Buffer): void => {
    if (to.write(piece, () => releasePiece(piece))) return
    from.pause()
    to.once('drain', () => from.resume())
  }
  from.on('data', pass)
  from.on('end', () => to.end())
  // Who has refused the rest is not sent it.
  to.once('close', () => {
    from.off('data', pass)
    from.pause()
  })
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name))
  return Object.fromEntries(kept)
}

/** A body without a length must stay chunked: bare bytes on a kept connection would be read as the next request. */
const framing = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }

function forwarded({ request: { headers, socket }, id }: HttpExchange): IncomingHttpHeaders {
  const ip = socket.remoteAddress ?? ''
  const before = headers['x-forwarded-for']
  return {
    ...framing(headers),
    [READS_BLOBS]: '1',
    'x-forwarded-for': before === undefined ? ip : `${before}, ${ip}`,
    'x-forwarded-proto': headers['x-forwarded-proto'] ?? ('encrypted' in socket ? 'https' : 'http'),
    ...(headers.host !== undefined && { 'x-forwarded-host': headers['x-forwarded-host'] ?? headers.host }),
    'request-id': id,
  }
}
