import { connect, type Socket } from 'node:net'

/**
 * node overload-load.ts PORT PATH PER_SECOND SECONDS: sends requests when they are due, whatever the answers do, in a
 * process of its own. Prints JSON: for each status how many, and how long they took since they were sent; and how late
 * they were sent. Writes to bare sockets: an HTTP client would take more of the cores than what is measured.
 */
const [port, path, perSecond, seconds] = process.argv.slice(2) as [string, string, string, string]
const COLUMNS = 30
const ROWS = 12
const due = 1000 / Number(perSecond)

const values = (): number[] => Array.from({ length: ROWS }, () => Math.round(Math.random() * 1000) / 1000)
const requests = Array.from({ length: 50 }, () => {
  const columns = Object.fromEntries(Array.from({ length: COLUMNS }, (_, at) => [`x${at}`, values()]))
  const body = JSON.stringify({ columns })
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  )
})

const took = new Map<number, number[]>()
const late: number[] = []
const idle: Connection[] = []
let answered = 0

/** Asks one thing after the other. */
type Connection = { readonly socket: Socket; sentAt: number; text: string }

function open(): Connection {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  const connection: Connection = { socket, sentAt: 0, text: '' }
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    connection.text += chunk
    const head = /^HTTP\/1\.1 (\d{3})[\s\S]*?content-length: (\d+)[\s\S]*?\r\n\r\n/i.exec(connection.text)
    if (head === null || connection.text.length < head[0].length + Number(head[2])) return
    settle(connection, Number(head[1]))
    if (/^connection: close/im.test(head[0])) socket.destroy()
    else idle.push(connection)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    const at = idle.indexOf(connection)
    if (at !== -1) idle.splice(at, 1)
    if (connection.sentAt > 0) settle(connection, 0)
  })
  return connection
}

function settle(connection: Connection, status: number): void {
  const times = took.get(status) ?? []
  times.push(performance.now() - connection.sentAt)
  took.set(status, times)
  connection.sentAt = 0
  connection.text = ''
  answered += 1
}

const startedAt = performance.now()
const count = Number(perSecond) * Number(seconds)
for (let index = 0; index < count; index++) {
  const dueAt = startedAt + index * due
  while (performance.now() < dueAt) await new Promise((resolve) => setTimeout(resolve, 1))
  const connection = idle.pop() ?? open()
  connection.sentAt = performance.now()
  late.push(connection.sentAt - dueAt)
  connection.socket.write(requests[index % requests.length]!)
  // Or answers would wait while many are due.
  if (index % 16 === 15) await new Promise((resolve) => setImmediate(resolve))
}
while (answered < count) await new Promise((resolve) => setTimeout(resolve, 5))
for (const { socket } of idle) socket.destroy()

const quantile = (times: readonly number[], q: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * q)]!
const outcomes = [...took].map(([status, times]) => ({
  ...{
    status,
    count: times.length,
    p50: quantile(times, 0.5),
    p90: quantile(times, 0.9),
    p99: quantile(times, 0.99),
  },
}))
console.log(JSON.stringify({ outcomes, late: quantile(late, 0.99) }))
process.exit(0)
