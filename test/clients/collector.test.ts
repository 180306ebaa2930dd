import { execFile, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../packages/server/test/gateway.ts'
import { CHURN_ROW } from '../support/millwright.ts'

/** A real OpenTelemetry collector, built from its modules with the first run, where there is Go. */
const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('collector/', import.meta.url))
const FOLDER = fileURLToPath(new URL('.cache/collector/', import.meta.url))
const PROGRAM = `${FOLDER}otelcol-0.165.0`
const TRACE = '0af7651916cd43dd8448eb211c80319c'

const hasGo = spawnSync('go', ['version']).status === 0
if (!hasGo) console.warn('skipped: there is no Go on this machine to build a collector with')

describe.skipIf(!hasGo)('the OpenTelemetry collector', () => {
  let layout: Awaited<ReturnType<typeof createDataFolder>>
  let address: string
  let collector: ReturnType<typeof spawn>
  let said = ''

  beforeAll(async () => {
    if (!existsSync(PROGRAM)) {
      cpSync(SOURCE, FOLDER, { recursive: true })
      await run('go', ['mod', 'tidy'], { cwd: FOLDER })
      await run('go', ['build', '-o', PROGRAM, '.'], { cwd: FOLDER })
    }
    const port = await freePort()
    writeFileSync(`${FOLDER}config.yaml`, configOf(port))
    collector = spawn('setpriv', ['--pdeathsig', 'TERM', PROGRAM, '--config', `file:${FOLDER}config.yaml`])
    for (const stream of [collector.stdout!, collector.stderr!])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
    await vi.waitFor(() => expect(said).toContain('Everything is ready'), { timeout: 20_000 })
    layout = await createDataFolder()
    await writeSnapshot(layout, 1, [await churnDeployment(await storeChurn(layout, 'v2'))])
    address = `http://127.0.0.1:${port}`
  })
  afterAll(async () => {
    collector?.kill()
    if (layout !== undefined) await removeDataFolder(layout)
  })

  test.each(['http/protobuf', 'http/json'] as const)(
    'reads in the spans of a prediction what was meant: %s',
    async (protocol) => {
      said = ''
      const gateway = await openGateway(layout, {
        tracing: {
          OTEL_EXPORTER_OTLP_ENDPOINT: address,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_BSP_SCHEDULE_DELAY: 10,
        },
      })
      onTestFinished(() => gateway.close())
      const answer = await gateway.ask('/predict', {
        method: 'POST',
        headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
        body: JSON.stringify(CHURN_ROW),
      })
      await vi.waitFor(() => expect(said.match(/Span #\d/g)).toHaveLength(4), { timeout: 10_000 })

      expect(answer.status).toBe(200)
      const values = (name: string) =>
        [...said.matchAll(new RegExp(`^ +${name} +: (.+)$`, 'gm'))].map(([, value]) => value)
      expect(values('Name').toSorted()).toEqual(['POST /predict', 'engine', 'infer', 'queue'])
      expect(new Set(values('Trace ID'))).toEqual(new Set([TRACE]))
      expect(values('Kind').filter((kind) => kind === 'Server')).toHaveLength(1)
      expect(values('Parent ID')).toContain('b7ad6b7169203331')
      expect(said).toContain('-> service.name: Str(millwright)')
      expect(said).toContain('-> http.response.status_code: Int(200)')
      expect(said).toContain('-> millwright.rows: Int(1)')
      for (const time of values('Start time')) expect(time).toMatch(/^20\d\d-/)
      expect((await gateway.ask('/metrics')).text).toContain(
        'millwright_trace_spans_total{outcome="exported"} 4',
      )
    },
  )
})

const configOf = (port: number): string => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {debug: {verbosity: detailed}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
