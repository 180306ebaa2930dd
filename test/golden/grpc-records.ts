import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** gRPC calls of real clients, and real servers' answers, where they are beside the repository. */
export const RECORDS = new URL('../../../shared/fixtures/protocols/', import.meta.url).pathname

/** A call as it was recorded. */
export type GrpcRecord = {
  /** Client or server, and what was tried: `triton-grpc-2.51.0 tensor: NaN raw`. */
  readonly name: string
  readonly path: string
  readonly message: Buffer
  /** Name of the status. */
  readonly code: string
  readonly answer: Buffer | undefined
}

type Exchange = {
  readonly kind: string
  readonly group?: string
  readonly title?: string
  readonly id: string
  readonly call?: string
  readonly rpc?: string
  readonly request?: {
    readonly message_b64?: string
    readonly headers?: readonly (readonly [string, string])[]
    readonly messages?: readonly { readonly b64?: string }[]
  }
  readonly response?: {
    readonly code?: string
    readonly message_b64?: string | null
    readonly headers?: readonly (readonly [string, string])[]
    readonly trailers?: readonly (readonly [string, string])[]
    readonly messages?: readonly { readonly b64?: string }[]
  }
}

const NAMES: Readonly<Record<string, string>> = {
  0: 'OK',
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  12: 'UNIMPLEMENTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
}
export const nameOfStatus = (code: number): string => NAMES[code] ?? String(code)

const bytesOf = (text: string | null | undefined): Buffer | undefined =>
  text === undefined || text === null ? undefined : Buffer.from(text, 'base64')

/** Every unary call that was recorded with its message. */
export function listRecords(): GrpcRecord[] {
  if (!existsSync(RECORDS)) return []
  return readdirSync(RECORDS)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) =>
      readFileSync(`${RECORDS}${file}`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Exchange)
        .flatMap((exchange) => recordOf(file.replace('.jsonl', ''), exchange)),
    )
}

function recordOf(source: string, exchange: Exchange): GrpcRecord[] {
  const { kind, request, response } = exchange
  if (kind !== 'grpc' || request === undefined || response === undefined) return []
  if (exchange.group !== undefined) {
    const message = bytesOf(request.message_b64)
    const name = `${source} ${exchange.group}: ${exchange.title}`
    const answer = bytesOf(response.message_b64)
    return message ? [{ name, path: exchange.rpc!, message, code: response.code!, answer }] : []
  }
  const path = request.headers!.find(([name]) => name === ':path')![1]
  const [asked] = request.messages ?? []
  const status = [...(response.trailers ?? []), ...(response.headers ?? [])].find(
    ([name]) => name === 'grpc-status',
  )
  const message = bytesOf(asked?.b64)
  if (message === undefined || status === undefined || request.messages!.length !== 1) return []
  const name = `${source} ${exchange.id}: ${exchange.call}`
  return [
    {
      name,
      path,
      message,
      code: nameOfStatus(Number(status[1])),
      answer: bytesOf(response.messages?.[0]?.b64),
    },
  ]
}
