import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** The floor: node:http that parses a JSON body, or takes another as it is, and answers the bytes of a file. */
const [port, path, type] = process.argv.slice(2) as [string, string, string]
const answer = readFileSync(path)
const head = { 'content-type': type, 'content-length': answer.length }
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    if (request.headers['content-type'] === 'application/json') JSON.parse(body.toString())
    response.writeHead(200, head)
    response.end(answer)
  })
})
server.listen({ port: Number(port), host: '127.0.0.1', reusePort: true })
process.on('SIGTERM', () => process.exit(0))
