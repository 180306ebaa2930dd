import type { Problem } from '@millwright/contracts'

/** A call that did not end well: `problem` is what the server said, absent when it could not be reached. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly problem: Problem | undefined
  /** HTTP status; 0 when there was no answer. */
  readonly status: number

  constructor(message: string, details: { problem?: Problem; status?: number; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.problem = details.problem
    this.status = details.status ?? 0
  }
}

export type RequestOptions = {
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>
  readonly json?: unknown
  readonly body?: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>
  /** Length of `body`, in bytes. */
  readonly bytes?: number
  /** The answer is no JSON: `Bytes`. */
  readonly raw?: true
}

/** An answer as it came. */
export type Bytes = { readonly headers: Headers; readonly body: Uint8Array<ArrayBuffer> }

export type Transport = <T>(method: string, path: string, options?: RequestOptions) => Promise<T>

type TransportOptions = {
  readonly url: string
  readonly user: string | undefined
  readonly apiKey: string | undefined
  readonly timeoutMs: number
}

/** One function that sends a request and gives the parsed JSON answer. @throws ClientError */
export function createTransport({ url, user, apiKey, timeoutMs }: TransportOptions): Transport {
  const identity: Record<string, string> = {}
  if (user !== undefined) identity['x-millwright-user'] = encodeURIComponent(user)
  if (apiKey !== undefined) identity.authorization = `Bearer ${apiKey}`
  return async <T>(method: string, path: string, options: RequestOptions = {}): Promise<T> => {
    const target = new URL(path, url)
    for (const [name, value] of Object.entries(options.query ?? {}))
      for (const one of [value].flat()) if (one !== undefined) target.searchParams.append(name, String(one))
    const response = await send(target, {
      method,
      headers: { ...identity, ...headersOf(options) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(options.json === undefined ? {} : { body: JSON.stringify(options.json) }),
      // A streamed body needs half duplex: the answer comes after the last byte.
      ...(options.body === undefined ? {} : { body: options.body, duplex: 'half' }),
    })
    const answer = options.raw && response.ok ? readBytes(response) : readAnswer(response)
    return (await answer) as T
  }
}

function headersOf({ json, body, bytes, raw }: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = { accept: raw ? '*/*' : 'application/json' }
  if (json !== undefined) headers['content-type'] = 'application/json'
  if (body !== undefined) headers['content-type'] = 'application/octet-stream'
  if (bytes !== undefined) headers['content-length'] = String(bytes)
  return headers
}

async function send(target: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, init)
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
    const why =
      (error as Error).name === 'TimeoutError'
        ? 'no answer in time'
        : (cause?.code ?? cause?.message ?? String(error))
    throw new ClientError(`cannot reach ${target.origin} (${why})`, { cause: error })
  }
}

async function readBytes(response: Response): Promise<Bytes> {
  try {
    return { headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) }
  } catch (error) {
    throw new ClientError('the answer ended before it was whole; ask again', { cause: error })
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text()
  let answer: unknown
  try {
    answer = text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new ClientError(`the server answered ${response.status} with something that is not JSON`, {
      status: response.status,
    })
  }
  if (response.ok) return answer
  const problem = answer as Problem
  throw new ClientError(problem?.detail ?? `the server answered ${response.status}`, {
    problem,
    status: response.status,
  })
}
