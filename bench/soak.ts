import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../test/support/millwright.ts'
import { startMillwright } from './http/programs.ts'
import { openCallers } from './soak/callers.ts'
import { deployAll, swap } from './soak/deploy.ts'
import { type Held, heldBy, NOTHING } from './soak/processes.ts'
import { type Slope, slopeOf } from './soak/slope.ts'
import { type Count, type Latency, startTraffic } from './soak/traffic.ts'

/**
 * npm run soak -- --minutes N [--rate R] [--json] [--report FILE]: a real server under everything at once (trees, ONNX, a
 * cache, a rollout with a shadow, jobs, gRPC, hostile requests, a swap every minute), watched. Every 30 s a line; at the end
 * the slopes of memory, open files and p99 per hour. Exit code 1: a request failed, an answer was wrong, or memory or
 * open files grow.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
    report: { type: 'string', default: 'bench/.cache/soak.json' },
  },
})
const minutes = Number(values.minutes)
const rate = Number(values.rate)
const GATEWAYS = 2
const SAMPLE_MS = 30_000
const SWAP_EVERY = 2
/** Compilers, caches and pools fill at first: this share of the time is shown and not in the slopes. */
const WARM_UP = 0.2

type Sample = {
  readonly hours: number
  readonly held: Readonly<Record<string, Held>>
  readonly latency: Latency
  readonly failed: number
  readonly wrong: number
  /** What else the machine had to do: 1 for each core that is busy. */
  readonly load: number
}

const roles = ['supervisor', 'control', 'gateway', 'host'] as const
const heldInAll = ({ held }: Sample) => ({
  megabytes: Object.values(held).reduce((sum, { megabytes }) => sum + megabytes, 0),
  descriptors: Object.values(held).reduce((sum, { descriptors }) => sum + descriptors, 0),
})

/** What a slope is drawn through, by the name it has in the report. */
const MEASURES: Readonly<Record<string, (sample: Sample) => number>> = {
  ...Object.fromEntries(
    roles.map((role) => [`MB of ${role}`, ({ held }: Sample) => (held[role] ?? NOTHING).megabytes]),
  ),
  ...Object.fromEntries(
    roles.map((role) => [`files of ${role}`, ({ held }: Sample) => (held[role] ?? NOTHING).descriptors]),
  ),
  'MB in all': (sample) => heldInAll(sample).megabytes,
  'files in all': (sample) => heldInAll(sample).descriptors,
  'p99 ms': ({ latency }) => latency.p99,
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function lineOf(sample: Sample): string {
  const { hours, held, latency, failed, wrong, load } = sample
  const { megabytes, descriptors } = heldInAll(sample)
  const parts = Object.entries(held).map(([role, one]) => `${role} ${one.megabytes.toFixed(0)}`)
  return [
    `${(hours * 60).toFixed(1).padStart(6)} min`,
    `${megabytes.toFixed(0)} MB (${parts.sort().join(', ')})`,
    `${descriptors} files`,
    `p50 ${latency.p50.toFixed(2)} ms, p99 ${latency.p99.toFixed(1)} ms of ${latency.answered}`,
    `failed ${failed}, wrong ${wrong}`,
    `load ${load.toFixed(1)}`,
  ].join('  ')
}

const slopesOf = (samples: readonly Sample[]): Record<string, Slope> =>
  Object.fromEntries(
    Object.entries(MEASURES).map(([name, measure]) => [
      name,
      slopeOf(samples.map((sample) => ({ hours: sample.hours, value: measure(sample) }))),
    ]),
  )

const sumOf = (counts: Iterable<Readonly<Count>>): Count =>
  [...counts].reduce(
    (sum, one) => ({
      asked: sum.asked + one.asked,
      failed: sum.failed + one.failed,
      compared: sum.compared + one.compared,
      wrong: sum.wrong + one.wrong,
    }),
    { asked: 0, failed: 0, compared: 0, wrong: 0 },
  )

const port = await freePort()
const program = await startMillwright(port, GATEWAYS)
await deployAll(port)
const { callers, close } = openCallers(port)
const traffic = startTraffic(callers, rate)
const samples: Sample[] = []
const swaps = { done: 0, failed: 0 }
const startedAt = performance.now()
for (let i = 1; i * SAMPLE_MS <= minutes * 60_000; i++) {
  await sleep(startedAt + i * SAMPLE_MS - performance.now())
  const { failed, wrong } = sumOf(traffic.counts.values())
  const [held, latency] = [heldBy(program.pids()), traffic.takeLatency()]
  const hours = (performance.now() - startedAt) / 3_600_000
  samples.push({ hours, held, latency, failed, wrong, load: loadavg()[0]! })
  say(lineOf(samples.at(-1)!))
  if (i % SWAP_EVERY !== 0) continue
  const status = await swap(port, swaps.done++)
  if (status !== 200) swaps.failed += 1
}
await traffic.stop()
close()
const totals = sumOf(traffic.counts.values())
const settled = samples.filter(({ hours }) => hours * 60 >= minutes * WARM_UP)
const slopes = slopesOf(settled)
const growing = Object.keys(slopes).filter((name) => slopes[name]!.verdict === 'grows')
const faulty = totals.failed + totals.wrong + swaps.failed > 0
const verdict = { failed: faulty, growing }
const report = {
  ...{ at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length },
  ...{ minutes, rate, gateways: GATEWAYS, totals, swaps, verdict, slopes, faults: traffic.faults },
  ...{ callers: Object.fromEntries(traffic.counts), samples },
}
mkdirSync(dirname(values.report), { recursive: true })
writeFileSync(values.report, `${JSON.stringify(report, null, 1)}\n`)
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
else {
  console.log(
    `\n${totals.asked} requests, ${totals.failed} failed; ${totals.compared} answers compared, ${totals.wrong} wrong; ${swaps.done} swaps, ${swaps.failed} failed`,
  )
  for (const [name, { asked, failed, compared, wrong }] of traffic.counts)
    console.log(`  ${name.padEnd(10)} ${asked} asked, ${failed} failed; ${compared} compared, ${wrong} wrong`)
  for (const fault of traffic.faults) console.log(`  ${fault}`)
  console.log('\n| | mean | slope an hour | standard error | |\n|---|---|---|---|---|')
  for (const [name, { mean, perHour, standardError, verdict }] of Object.entries(slopes))
    console.log(
      `| ${name} | ${mean.toFixed(1)} | ${perHour.toFixed(2)} | ${standardError.toFixed(2)} | ${verdict} |`,
    )
  console.log(`\nreport: ${values.report}`)
}
await program.stop()
rmSync(program.data, { recursive: true, force: true })
process.exit(faulty || growing.some((name) => name !== 'p99 ms') ? 1 : 0)
