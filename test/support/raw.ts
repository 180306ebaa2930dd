import { connect, type Socket } from 'node:net'

export type RawAnswer = { readonly status: number; readonly head: string; readonly body: string }

type RawOptions = {
  /** The connection is given up after this silence, in milliseconds … */
  readonly quietMs?: number
  /** … or when so many answers have come. */
  readonly answers?: number
}

/** Sends bytes as they are over one connection, and gives all that comes back until it is closed or quiet. */
export async function sendRaw(
  url: string,
  pieces: readonly (string | Buffer)[],
  { quietMs = 500, answers = Number.POSITIVE_INFINITY }: RawOptions = {},
): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const received: Buffer[] = []
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
    socket.setTimeout(quietMs, () => resolve())
  })
  let seen = 0
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    seen += chunk.toString('latin1').split('HTTP/1.1 ').length - 1
    if (seen >= answers) socket.end()
  })
  for (const piece of pieces) await written(socket, piece)
  await ended
  socket.destroy()
  return answersOf(Buffer.concat(received).toString())
}

const written = (socket: Socket, piece: string | Buffer): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.write(piece, () => resolve())
  })

function answersOf(text: string): RawAnswer[] {
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).flatMap((answer) => {
    const [head = '', body = ''] = answer.split(/\r\n\r\n([\s\S]*)/)
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]
    return status === undefined ? [] : [{ status: Number(status), head, body }]
  })
}

/** A POST of a JSON text with headers of one's own. */
export const rawPost = (path: string, body: string, headers: readonly string[] = []): string =>
  [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...headers,
    '',
    body,
  ].join('\r\n')
