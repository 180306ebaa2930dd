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

function luaScript(shape: Shape): string {
  const quoted = requestBodies(shape).map((body) => `[[${body}]]`)
  const path = join(mkdtempSync(join(tmpdir(), 'millwright-bench-')), 'rows.lua')
  writeFileSync(
    path,
    `local bodies = {${quoted.join(',')}}
local requests = {}
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
init = function()
  for i = 1, #bodies do requests[i] = wrk.format(nil, "${shape.path}", nil, bodies[i]) end
end
request = function() n = n % #requests + 1; return requests[n] end
done = function(s, l)
  local e = s.errors
  io.write(string.format("RESULT %f %f %f %d\\n", s.requests / s.duration * 1e6, l:percentile(50) / 1000, l:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  )
  return path
}

const scripts = new Map<string, string>()

/** Closed-loop load: `connections` callers that ask again as soon as they are answered. */
export async function load(
  port: number,
  shape: Shape,
  run: { connections: number; seconds: number },
): Promise<Load> {
  const key = JSON.stringify(shape)
  if (!scripts.has(key)) scripts.set(key, luaScript(shape))
  const args = [
    '-t1',
    `-c${run.connections}`,
    `-d${run.seconds}s`,
    '-s',
    scripts.get(key)!,
    `http://127.0.0.1:${port}`,
  ]
  const { stdout } = await promisify(execFile)('wrk', args)
  const result = /RESULT (\S+) (\S+) (\S+) (\d+)/.exec(stdout)
  if (result === null) throw new Error(`wrk: ${stdout}`)
  const [perSecond, p50, p99, failed] = result.slice(1).map(Number) as [number, number, number, number]
  return { perSecond, p50, p99, failed }
}
