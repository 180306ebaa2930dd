import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = new URL('../..', import.meta.url).pathname

/** What one run of wrk measured. Latencies in milliseconds. */
export type Load = {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly failed: number
}

export type Shape = { readonly path: string; readonly wrap: 'flat' | 'row' }

type Customer = { readonly customer_id: string } & Record<string, string | number>

/** 200 different real rows, in the form that the address takes. */
export function requestBodies(shape: Shape): string[] {
  const [header, ...lines] = readFileSync(join(ROOT, 'examples/churn/customers.csv'), 'utf8')
    .trim()
    .split('\n')
  const names = header!.split(',')
  return lines.slice(0, 200).map((line) => {
    const entries = line
      .split(',')
      .map((value, i): [string, string | number] => [names[i]!, i === 0 ? value : Number(value)])
    const { customer_id, churned: _, ...row } = Object.fromEntries(entries) as Customer
    return JSON.stringify(shape.wrap === 'flat' ? { customer_id, ...row } : { row, subject: customer_id })
  })
}

/** What is sent over and over, one body after the other, to one address or to several in turn. */
export type Requests = {
  readonly path: string | readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly bodies: readonly (string | Uint8Array)[]
}

function luaScript({ path, headers, bodies }: Requests): string {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-'))
  for (const [index, body] of bodies.entries()) writeFileSync(join(folder, `${index + 1}.body`), body)
  const script = join(folder, 'requests.lua')
  writeFileSync(
    script,
    `local requests = {}
local n = 0
wrk.method = "POST"
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers["${name}"] = "${value}"`)
  .join('\n')}
init = function()
  local paths = {${[path].flat().map((one) => `"${one}"`)}}
  for i = 1, ${bodies.length} do
    local file = io.open("${folder}/" .. i .. ".body", "rb")
    requests[i] = wrk.format(nil, paths[(i - 1) % #paths + 1], nil, file:read("*a"))
    file:close()
  end
end
request = function() n = n % #requests + 1; return requests[n] end
done = function(s, l)
  local e = s.errors
  io.write(string.format("RESULT %f %f %f %d\\n", s.requests / s.duration * 1e6, l:percentile(50) / 1000, l:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  )
  return script
}

/** Closed-loop load: `connections` callers that ask again as soon as they are answered. */
export function load(port: number, shape: Shape, run: Run): Promise<Load> {
  const key = JSON.stringify(shape)
  const known = requestsOf.get(key) ?? {
    ...{ path: shape.path, headers: { 'Content-Type': 'application/json' }, bodies: requestBodies(shape) },
  }
  requestsOf.set(key, known)
  return loadRequests(port, known, run)
}

const requestsOf = new Map<string, Requests>()
const scripts = new WeakMap<Requests, string>()

type Run = { readonly connections: number; readonly seconds: number }

/** The same with any requests. */
export async function loadRequests(port: number, requests: Requests, run: Run): Promise<Load> {
  const script = scripts.get(requests) ?? luaScript(requests)
  scripts.set(requests, script)
  const args = ['-t1', `-c${run.connections}`, `-d${run.seconds}s`, '-s', script, `http://127.0.0.1:${port}`]
  const { stdout } = await promisify(execFile)('wrk', args)
  const result = /RESULT (\S+) (\S+) (\S+) (\d+)/.exec(stdout)
  if (result === null) throw new Error(`wrk: ${stdout}`)
  const [perSecond, p50, p99, failed] = result.slice(1).map(Number) as [number, number, number, number]
  return { perSecond, p50, p99, failed }
}
