import { connect } from 'node:net'

export type RawAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends bytes as they are and reads until the server closes the connection. */
export function sendRaw(port: number, ...parts: readonly (Buffer | string)[]): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part)
    })
    const chunks: Buffer[] = []
    const give = (): void => resolve(parseAnswer(Buffer.concat(chunks)))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => {
      give()
      socket.end()
    })
    socket.on('error', (error) => (chunks.length > 0 ? give() : reject(error)))
  })
}

/** A connection that is kept: sends bytes as they are and reads one answer at a time. */
export function openConversation(port: number) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  let received = Buffer.alloc(0)
  let wake = (): void => {}
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    wake()
  })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve(wake())))
  socket.on('error', () => {})
  return {
    closed,
    send: (bytes: Buffer | string) => new Promise<void>((resolve) => socket.write(bytes, () => resolve())),
    async receive(): Promise<RawAnswer> {
      for (;;) {
        const end = received.indexOf('\r\n\r\n')
        const { headers } = parseAnswer(received)
        const bytes = end + 4 + Number(headers['content-length'])
        if (end !== -1 && received.length >= bytes) {
          const answer = parseAnswer(received.subarray(0, bytes))
          received = received.subarray(bytes)
          return answer
        }
        if (socket.destroyed) throw new Error(`closed after ${received.length} bytes`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    close: () => void socket.destroy(),
  }
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, body: bytes.subarray(end + 4).toString() }
}

/** A request with a body of known length, after which the server is asked to close. */
export function requestOf(
  method: string,
  path: string,
  {
    headers = ['Content-Type: application/json'],
    body = '',
  }: { headers?: readonly string[]; body?: Buffer | string } = {},
): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const length = bytes.length > 0 ? [`Content-Length: ${bytes.length}`] : []
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: close',
    ...headers,
    ...length,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n')), bytes])
}
