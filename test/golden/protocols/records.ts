import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { request as openRequest } from 'node:http'
import { openConversation, sendRaw } from '../../../packages/server/test/raw-http.ts'

/** What real servers answered and real clients sent, where the fixtures are beside the repository. */
export const ROOT = new URL('../../../../shared/fixtures/protocols/', import.meta.url).pathname

/** A request, as it is sent again. */
export type Sent = {
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer | undefined
  /** All of it, where it was written straight to the socket. */
  readonly raw: Buffer | undefined
}
export type Received = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
export type RecordedExchange = {
  /** File without its ending, group or call, and title: unique. */
  readonly key: string
  readonly file: string
  /** Which of several models a server of one model served. */
  readonly model: string | undefined
  readonly sent: Sent
  readonly received: Received
}

type Part = {
  readonly method?: string
  readonly path?: string
  readonly line?: string
  readonly status?: number
  readonly headers?: Record<string, string> | [string, string][]
  readonly body?: string
  readonly body_b64?: string
  readonly raw_b64?: string
}
type Line = {
  readonly id: string
  readonly kind: string
  readonly group?: string
  readonly title?: string
  readonly call?: string
  readonly model?: string
  readonly request?: Part
  readonly response?: Part & { readonly transport_error?: string }
}

const REST = /^(mlserver|kserve|triton|mlflow|torchserve|client)(?!.*grpc)/

/** All exchanges over HTTP. @param kind of servers, or of clients */
export function readExchanges(kind: 'servers' | 'clients'): RecordedExchange[] {
  if (!existsSync(ROOT)) return []
  const files = readdirSync(ROOT).filter((name) => name.endsWith('.jsonl') && REST.test(name))
  const seen = new Map<string, number>()
  return files
    .filter((name) => name.startsWith('client-') === (kind === 'clients'))
    .flatMap((name) =>
      readFileSync(`${ROOT}${name}`, 'utf8')
        .trim()
        .split('\n')
        .flatMap((text) => exchangeOf(name.replace(/-[\d.]+(?=--|\.jsonl)|\.jsonl/g, ''), JSON.parse(text))),
    )
    .map((exchange) => {
      const count = (seen.get(exchange.key) ?? 0) + 1
      seen.set(exchange.key, count)
      return count === 1 ? exchange : { ...exchange, key: `${exchange.key} #${count}` }
    })
}

function exchangeOf(file: string, { kind, request, response, ...line }: Line): RecordedExchange[] {
  if (!/^http/.test(kind) || request === undefined || response === undefined) return []
  const raw = request.raw_b64 === undefined ? undefined : Buffer.from(request.raw_b64, 'base64')
  const [method = '', path = ''] = (
    request.line ??
    raw?.toString('latin1') ??
    `${request.method} ${request.path}`
  ).split(' ')
  return [
    {
      key: [file, line.group ?? line.call, line.title].filter(Boolean).join(' | '),
      ...{ file, model: line.model },
      sent: { method, path, headers: pairs(request.headers), body: bytesOf(request), raw },
      received: {
        status: statusOf(response),
        headers: Object.fromEntries(
          pairs(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        body: bytesOf(response) ?? Buffer.alloc(0),
      },
    },
  ]
}

const pairs = (headers: Part['headers'] = {}): [string, string][] =>
  Array.isArray(headers) ? headers : Object.entries(headers)

const bytesOf = ({ body, body_b64 }: Part): Buffer | undefined =>
  body_b64 !== undefined
    ? Buffer.from(body_b64, 'base64')
    : body === undefined
      ? undefined
      : Buffer.from(body)

function statusOf({ status, line, raw_b64 }: Part): number {
  const text = line ?? (raw_b64 === undefined ? '' : Buffer.from(raw_b64, 'base64').toString('latin1'))
  return status ?? Number(/^HTTP\/1\.\d (\d{3})/.exec(text)?.[1] ?? 0)
}

/** What the sending library adds itself. */
const OWN_HEADERS = /^(host|content-length|transfer-encoding|connection|expect)$/i

/** Sends a recorded request again. */
export async function replay(port: number, { method, path, headers, body, raw }: Sent): Promise<Received> {
  if (raw !== undefined) {
    const conversation = openConversation(port)
    await conversation.send(raw)
    // Without a length, the answer ends with the connection.
    const answer = await conversation.receive().catch(() => sendRaw(port, raw))
    conversation.close()
    return { ...answer, body: Buffer.from(answer.body) }
  }
  const kept = headers.filter(([name]) => !OWN_HEADERS.test(name)).flat()
  const own = ['Host', '127.0.0.1', ...(body === undefined ? [] : ['Content-Length', String(body.length)])]
  return new Promise((resolve, reject) => {
    const asked = { port, host: '127.0.0.1', method, path, headers: [...kept, ...own] }
    openRequest(asked, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers as Record<string, string>,
          body: Buffer.concat(chunks),
        }),
      )
    })
      .on('error', reject)
      .end(body)
  })
}
