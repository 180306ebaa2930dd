import { CommandError } from '../command.ts'

/** The server knows no such address, or nothing of that name. */
export class NotThere extends CommandError {}

type Asked = { readonly query?: Readonly<Record<string, string>>; readonly json?: unknown }
export type Ask = {
  (method: string, path: string, asked?: Asked): Promise<unknown>
  /** Bytes of a file. */
  readonly bytes: (path: string) => Promise<AsyncIterable<Uint8Array>>
  readonly put: (path: string, body: AsyncIterable<Uint8Array>, bytes: number) => Promise<void>
}

/** Tries of a request: servers restart, and say so. */
const TRIES = 4
const RETRIED = new Set([408, 429, 502, 503, 504])

/** Asks a server of MLflow's protocol; a name and password in its address are sent along. @throws CommandError */
export function createAsk(address: string): Ask {
  const base = new URL(address)
  const headers: Record<string, string> = {}
  if (base.username !== '') {
    const { username, password } = base
    const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    headers.authorization = `Basic ${Buffer.from(secret).toString('base64')}`
    base.username = ''
    base.password = ''
  }
  const root = base.href.replace(/\/+$/, '')

  const send = async (url: string, init: RequestInit, tries: number): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(url, init).catch((error: Error) => error)
      const isFinal = attempt >= tries
      if (response instanceof Error) {
        if (isFinal)
          throw new CommandError(
            `cannot reach ${base.origin} (${String((response.cause as Error)?.message ?? response.message)})`,
          )
      } else if (response.ok) return response
      else if (isFinal || !RETRIED.has(response.status)) throw await refusalOf(response, url)
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt))
    }
  }
  const ask = async (method: string, path: string, { query, json }: Asked = {}): Promise<unknown> => {
    const url = `${root}${path}${query === undefined ? '' : `?${new URLSearchParams(query)}`}`
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    const type = json === undefined ? {} : { 'content-type': 'application/json' }
    const response = await send(url, { method, headers: { ...headers, ...type }, ...body }, TRIES)
    return response.json()
  }
  return Object.assign(ask, {
    bytes: async (path: string) => {
      const { body } = await send(`${root}${path}`, { headers }, TRIES)
      return body ?? new Blob([]).stream()
    },
    put: async (path: string, body: AsyncIterable<Uint8Array>, bytes: number) => {
      await send(
        `${root}${path}`,
        {
          method: 'PUT',
          headers: {
            ...headers,
            'content-type': 'application/octet-stream',
            'content-length': String(bytes),
          },
          body: ReadableStream.from(body),
          duplex: 'half',
        } as RequestInit,
        1,
      )
    },
  })
}

async function refusalOf(response: Response, url: string): Promise<CommandError> {
  const text = await response.text()
  const { pathname } = new URL(url)
  let message = `it answered ${response.status}`
  try {
    message = (JSON.parse(text) as { message?: string }).message ?? message
  } catch {
    // Not JSON: the status says all.
  }
  const Kind = response.status === 404 ? NotThere : CommandError
  return new Kind(`${pathname}: ${message}`)
}
