import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, freePort, ROOT, removeFolder, temporaryFolder } from '../support/millwright.ts'

/** A real S3 server over a folder, built once and kept. */

const VERSION = 'v1.8.0'
const CACHE = join(ROOT, 'test/s3/.cache')
const PROGRAM = join(CACHE, `versitygw-${VERSION}`)

export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test-secret',
  AWS_REGION: 'us-east-1',
} as const

/** Builds it where it is not there. @returns why there is none */
export function whyNoS3(): string | undefined {
  if (existsSync(PROGRAM)) return undefined
  if (spawnSync('go', ['version']).status !== 0) return 'Go is not installed, and versitygw is built with it'
  mkdirSync(CACHE, { recursive: true })
  const module = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`
  execFileSync('go', ['install', module], { env: { ...process.env, GOBIN: CACHE }, stdio: 'inherit' })
  execFileSync('mv', [join(CACHE, 'versitygw'), PROGRAM])
  return undefined
}

export type S3Server = { readonly endpoint: string; readonly folder: string; stop(): Promise<void> }

export async function startS3(): Promise<S3Server> {
  const folder = temporaryFolder()
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const args = ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', folder]
  const env = {
    ...process.env,
    ROOT_ACCESS_KEY: CREDENTIALS.AWS_ACCESS_KEY_ID,
    ROOT_SECRET_KEY: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
  }
  const server: ChildProcess = spawn('setpriv', ['--pdeathsig', 'TERM', PROGRAM, ...args], {
    env,
    stdio: 'ignore',
  })
  await eventually(() =>
    fetch(endpoint).then(
      () => true,
      () => false,
    ),
  )
  return {
    endpoint,
    folder,
    stop: () =>
      new Promise((resolve) => {
        server.once('exit', () => {
          removeFolder(folder)
          resolve()
        })
        server.kill()
      }),
  }
}
