import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const FOLDER = mkdtempSync(join(tmpdir(), 'millwright-bench-grpc-'))

/** What one run measured. Latencies in milliseconds. */
export type Load = {
  readonly perSecond: number
  readonly mean: number
  readonly max: number
  readonly failed: number
}

/** A message as it travels: not compressed, after its length. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Puts bytes where a program can be told to read them. */
export function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(FOLDER, name)
  writeFileSync(path, bytes)
  return path
}

/** One call in flight on each of `connections`, over and over, by h2load on one thread. */
export async function load(
  target: { port: number; path: string; message: Uint8Array },
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const { stdout } = await promisify(execFile)('h2load', [
    ...['-c', String(connections), '-m', '1', '-t', '1', '-D', String(seconds)],
    ...['-d', fileOf('request.bin', framed(target.message))],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers', '-H', ':method: POST'],
    `http://127.0.0.1:${target.port}${target.path}`,
  ])
  const find = (pattern: RegExp): string[] => {
    const found = pattern.exec(stdout)
    if (found === null) throw new Error(`h2load printed nothing like ${pattern}:\n${stdout}`)
    return found.slice(1)
  }
  const [perSecond] = find(/finished in [\d.]+m?s, ([\d.]+) req\/s/)
  const [failed, errored] = find(/(\d+) failed, (\d+) errored/)
  const [, max, mean] = find(/time for request:\s+(\S+)\s+(\S+)\s+(\S+)/)
  return {
    perSecond: Number(perSecond),
    mean: milliseconds(mean!),
    max: milliseconds(max!),
    failed: Number(failed) + Number(errored),
  }
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }
function milliseconds(text: string): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text)!
  return Number(value) * UNITS[unit!]!
}
