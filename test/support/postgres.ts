import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, freePort } from './millwright.ts'

/** A real PostgreSQL server with a folder of its own. */
export type Postgres = {
  /** Of the database `postgres`; its name and password are of one who may make others. */
  readonly url: string
  readonly pid: () => number
  /** Ends it, as a crash does or in order, and starts it again. */
  restart(signal: 'SIGKILL' | 'SIGINT', meanwhile?: () => Promise<unknown>): Promise<void>
  /** Runs one statement as psql does. @returns what it prints */
  query(statement: string, database?: string): string
  stop(): Promise<void>
}

export const POSTGRES_PASSWORD = 'a-secret-of-the-database'
/** The server refuses to run as root; `nobody` is on every machine. */
const NOBODY = 65_534
/** Texts are sorted as in a dictionary unless a column says otherwise, as they are where the server is not made for tests. */
const ENGLISH = ['--locale-provider=icu', '--icu-locale=en-US']
const DEBIAN = '/usr/lib/postgresql'

/** Where its programs are; undefined: it is not installed (apt-get install postgresql). */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  return versions
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

/** @param isDurable whether a commit waits for the disk, as it must where a crash is tried */
export async function startPostgres(bin: string, { isDurable = false } = {}): Promise<Postgres> {
  const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const folder = mkdtempSync(join(tmpdir(), 'millwright-postgres-'))
  if ('uid' in owner) chownSync(folder, NOBODY, NOBODY)
  const [data, password] = [join(folder, 'data'), join(folder, 'password')]
  writeFileSync(password, POSTGRES_PASSWORD, { mode: 0o644 })
  const owned = ['-D', data, '-U', 'millwright', '-A', 'scram-sha-256', `--pwfile=${password}`]
  const made = spawnSync(join(bin, 'initdb'), [...owned, '-E', 'UTF8', '--no-sync', ...ENGLISH], {
    ...{ ...owner, cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  })
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const settings = [
    'listen_addresses=127.0.0.1',
    ...(isDurable ? [] : ['fsync=off', 'synchronous_commit=off']),
  ]
  let server: ChildProcess

  const start = async (): Promise<void> => {
    const command = [
      '--pdeathsig',
      'INT',
      join(bin, 'postgres'),
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
    ]
    server = spawn('setpriv', [...command, ...settings.flatMap((setting) => ['-c', setting])], {
      ...{ ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    })
    let log = ''
    await new Promise<void>((resolve, reject) => {
      server.stderr!.on('data', (chunk: Buffer) => {
        log += chunk
        if (log.includes('ready to accept connections')) resolve()
      })
      server.once('exit', (code) => reject(new Error(`postgres ended with ${code}\n${log}`)))
    })
  }
  const end = (signal: 'SIGKILL' | 'SIGINT'): Promise<unknown> => {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill(signal)
    return ended
  }
  await start()
  const url = `postgres://millwright:${POSTGRES_PASSWORD}@127.0.0.1:${port}/postgres`
  return {
    url,
    pid: () => server.pid!,
    async restart(signal, meanwhile = async () => {}) {
      await end(signal)
      await meanwhile()
      await eventually(() =>
        start().then(
          () => true,
          () => false,
        ),
      )
    },
    query(statement, database = 'postgres') {
      const { status, stdout, stderr } = spawnSync(
        join(bin, 'psql'),
        ['-h', '127.0.0.1', '-p', String(port), '-U', 'millwright', '-At', '-c', statement, database],
        { encoding: 'utf8', env: { ...process.env, PGPASSWORD: POSTGRES_PASSWORD } },
      )
      if (status !== 0) throw new Error(stderr)
      return stdout.trim()
    },
    async stop() {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The same server, another database. */
export const databaseUrl = (url: string, name: string): string => url.replace(/\/postgres$/, `/${name}`)
