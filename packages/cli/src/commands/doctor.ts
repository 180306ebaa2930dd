import { createConnection } from 'node:net'
import { ClientError } from '@millwright/client'
import type { Status } from '@millwright/contracts'
import { type CliContext, type Command, EXIT } from '../command.ts'
import type { Style } from '../terminal.ts'
import { VERSION } from '../version.ts'

const usage = `Checks this machine and the server; each line says what to do when something is wrong.

Usage: millwright doctor [--json]
`

type Finding = {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'failed'
  readonly detail: string
  readonly fix?: string
}

const MARKS: Readonly<Record<Finding['level'], (style: Style) => string>> = {
  ok: (style) => style.good('✔ ok     '),
  warning: (style) => style.warn('! warning'),
  failed: (style) => style.bad('✖ failed '),
}

export const doctor: Command = {
  usage,
  options: {},
  async run(context) {
    const { terminal, json } = context
    const findings = [...checkMachine(), ...(await checkServer(context))]
    if (json) terminal.stdout(`${JSON.stringify({ findings })}\n`)
    else
      for (const { level, check, detail, fix } of findings) {
        terminal.stdout(`${MARKS[level](terminal.style)}  ${check.padEnd(16)} ${detail}\n`)
        if (fix !== undefined) terminal.stdout(`           ${''.padEnd(16)} fix: ${fix}\n`)
      }
    return findings.some(({ level }) => level === 'failed') ? EXIT.failed : EXIT.ok
  },
}

function checkMachine(): Finding[] {
  const { WebAssembly: wasm } = globalThis as unknown as {
    WebAssembly: { validate(module: Uint8Array): boolean }
  }
  const simd = wasm.validate(
    // (module (func (result v128) v128.const 0)): a module only an engine with SIMD takes
    Uint8Array.from([
      0,
      97,
      115,
      109,
      1,
      0,
      0,
      0,
      1,
      5,
      1,
      96,
      0,
      1,
      123,
      3,
      2,
      1,
      0,
      10,
      22,
      1,
      20,
      0,
      253,
      12,
      ...new Array<number>(16).fill(0),
      11,
    ]),
  )
  return [
    { check: 'node', level: 'ok', detail: `${process.version} on ${process.platform}-${process.arch}` },
    simd
      ? { check: 'webassembly', level: 'ok', detail: 'with SIMD' }
      : {
          check: 'webassembly',
          level: 'failed',
          detail: 'no SIMD',
          fix: 'use a processor and a Node that have it',
        },
  ]
}

async function checkServer({ client, url }: CliContext): Promise<Finding[]> {
  let status: Status
  const askedAt = Date.now()
  try {
    status = await client.getStatus()
  } catch (error) {
    return [await explainUnreachable(url, error as Error)]
  }
  const roundTripMs = Date.now() - askedAt
  return [
    { check: 'server', level: 'ok', detail: `${url} answered in ${roundTripMs} ms` },
    checkVersion(status),
    checkGateways(status),
    checkLog(status),
    await checkClock(url, roundTripMs),
  ]
}

async function explainUnreachable(url: string, error: Error): Promise<Finding> {
  const taken = await isListening(new URL(url))
  const fix = taken
    ? 'something else listens there: stop it, or start Millwright elsewhere with: millwright up --port 0'
    : 'start it with: millwright up'
  const answered = error instanceof ClientError && error.status > 0
  return {
    check: 'server',
    level: 'failed',
    detail: error.message,
    fix: answered ? 'predictions may go on; look at the log of millwright up' : fix,
  }
}

function isListening(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({
      host: url.hostname.replace(/[[\]]/g, ''),
      port: Number(url.port || 80),
      timeout: 1_000,
    })
    const end = (listening: boolean) => () => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
    socket.once('timeout', end(false))
  })
}

function checkVersion({ version }: Status): Finding {
  return version === VERSION
    ? { check: 'version', level: 'ok', detail: `client and server are ${VERSION}` }
    : {
        check: 'version',
        level: 'warning',
        detail: `client ${VERSION}, server ${version}`,
        fix: 'use the same version for both',
      }
}

function checkGateways({ gateways, epoch }: Status): Finding {
  const behind = gateways.filter((gateway) => gateway.state !== 'serving' || gateway.epoch < epoch)
  if (gateways.length > 0 && behind.length === 0)
    return { check: 'gateways', level: 'ok', detail: `${gateways.length} serving epoch ${epoch}` }
  const names = behind.map((gateway) => `${gateway.id} ${gateway.state} at epoch ${gateway.epoch}`)
  return {
    check: 'gateways',
    level: 'failed',
    detail: names.join(', ') || 'none',
    fix: 'look at the log of millwright up',
  }
}

function checkLog({ log }: Status): Finding {
  const dropped = Object.values(log.dropped).reduce((sum, count) => sum + count, 0)
  return dropped === 0
    ? { check: 'prediction log', level: 'ok', detail: 'nothing dropped' }
    : {
        check: 'prediction log',
        level: 'warning',
        detail: `${dropped} records dropped since start`,
        fix: 'free disk space',
      }
}

/** Seconds between clocks that make times in the log misleading. */
const SKEW_S = 5

async function checkClock(url: string, roundTripMs: number): Promise<Finding> {
  const date = (await fetch(new URL('/health/live', url))).headers.get('date')
  const skew = date === null ? 0 : Math.abs(Date.now() - Date.parse(date)) / 1000 - roundTripMs / 1000
  return skew < SKEW_S
    ? { check: 'clock', level: 'ok', detail: 'in step with the server' }
    : {
        check: 'clock',
        level: 'warning',
        detail: `${skew.toFixed(0)} s from the server's`,
        fix: 'set this machine to a time server',
      }
}
