import { createServer } from 'node:http'

/** The floor: what node:http and JSON cost with nothing in between. Reads a JSON body, answers one of the same size. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { customer_id?: string }
    const answer = JSON.stringify({
      churn_prediction: 0,
      churn_probability: 0.13373134534209968,
      customer_id: body.customer_id ?? null,
      model_version: 'v2',
      risk_level: 'low',
    })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(answer),
    })
    response.end(answer)
  })
})
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', reusePort: true })
process.on('SIGTERM', () => process.exit(0))
