import { readFileSync, writeFileSync } from 'node:fs'

/**
 * node tools/mlflow-trace.ts RECORDED.jsonl: makes test/e2e/mlflow-trace/trace.jsonl of requests recorded between MLflow's client and its
 * server (`m`, `p`, `rh`, `rb`, `rlen`, `s`, `ob`), without headers, marks, what is in files
 * that nobody reads, and requests that were not recorded whole.
 */
type Recorded = {
  readonly m: string
  readonly p: string
  readonly rh: Readonly<Record<string, string>>
  readonly rb: string
  readonly rlen: number
  readonly s: number
  readonly ob: string
}

const UNREAD = /\.(png|html|csv|lgb|pkl)$/
const FILES = '/mlflow-artifacts/artifacts/'

const compact = (json: string): string => {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return json
  }
}

const lines = readFileSync(process.argv[2]!, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)
  .filter(({ m, p, rb, rlen }) => !p.startsWith('/health') && (m === 'PUT' || Buffer.byteLength(rb) === rlen))
  .map(({ m, p, rb, rlen, s, ob }) => {
    const isFile = p.includes(FILES)
    return {
      ...{ method: m, path: p, status: s },
      ...(m === 'PUT' ? { bytes: rlen } : {}),
      body: !isFile ? compact(rb) : UNREAD.test(p) ? '' : rb,
      answer: isFile && m === 'GET' && s === 200 ? '' : compact(ob),
    }
  })
writeFileSync(
  new URL('../test/e2e/mlflow-trace/trace.jsonl', import.meta.url),
  lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
)
