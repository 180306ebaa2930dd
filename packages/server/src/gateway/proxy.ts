import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { MillwrightError } from '@millwright/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayMetrics } from './metrics.ts'

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
  /** Passes a request to control and streams its answer back. */
  readonly pass: (request: FastifyRequest, reply: FastifyReply) => void
  readonly close: () => void
}

/** Everything that is not a prediction is control's: one hop over its socket, bodies streamed both ways. */
export function createProxy(socketPath: string, metrics: GatewayMetrics): ControlProxy {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 16 })
  const pass = (incoming: FastifyRequest, reply: FastifyReply, retried = false): void => {
    const { method, url } = incoming.raw
    const headers = { ...endToEnd(incoming.headers), ...forwarded(incoming) }
    const outgoing = request({ socketPath, agent, method, path: url, headers }, (answer) => {
      metrics.requests.with('proxy', `${Math.trunc((answer.statusCode ?? 502) / 100)}xx`).value += 1
      sendBack(answer, reply, incoming.id)
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (!retried && mayRetry(outgoing, incoming, error)) return pass(incoming, reply, true)
      answerFault(reply, error)
    })
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) outgoing.destroy()
    })
    incoming.raw.pipe(outgoing)
  }
  return {
    pass(incoming, reply) {
      metrics.state.inFlight += 1
      reply.raw.once('close', () => {
        metrics.state.inFlight -= 1
      })
      pass(incoming, reply)
    },
    close: () => agent.destroy(),
  }
}

/** Control may close an idle connection in the moment it is used again. */
function mayRetry(
  outgoing: ClientRequest,
  { method }: FastifyRequest,
  error: NodeJS.ErrnoException,
): boolean {
  return outgoing.reusedSocket && error.code === 'ECONNRESET' && (method === 'GET' || method === 'HEAD')
}

function answerFault(reply: FastifyReply, error: NodeJS.ErrnoException): void {
  if (reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  const unavailable = CONNECTION_FAULTS.has(error.code ?? '')
  reply.send(unavailable ? new MillwrightError('CONTROL_UNAVAILABLE', {}, { cause: error }) : error)
}

function sendBack(answer: IncomingMessage, reply: FastifyReply, requestId: string): void {
  reply.hijack()
  const headers = endToEnd(answer.headers)
  reply.raw.writeHead(answer.statusCode ?? 502, { ...headers, 'request-id': requestId })
  answer.pipe(reply.raw)
  answer.on('error', () => reply.raw.destroy())
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name))
  return Object.fromEntries(kept)
}

/** A body without a length must stay chunked: bare bytes on a kept connection would be read as the next request. */
const framing = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }

function forwarded({ headers, ip, protocol, id }: FastifyRequest): IncomingHttpHeaders {
  const before = headers['x-forwarded-for']
  return {
    ...framing(headers),
    'x-forwarded-for': before === undefined ? ip : `${before}, ${ip}`,
    'x-forwarded-proto': protocol,
    ...(headers.host !== undefined && { 'x-forwarded-host': headers.host }),
    'request-id': id,
  }
}
