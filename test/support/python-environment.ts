import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * A Python with packages in exact versions, in a git-ignored folder, made once, whichever of the files that run at the same time asks
 * first: by uv where it is there, which takes a tenth of pip's time.
 * @returns the path of its interpreter @throws Error when there is no Python, or the packages cannot be fetched
 */
export async function installPython(folder: string, packages: readonly string[]): Promise<string> {
  const python = `${folder}/bin/python`
  const ready = `${folder}/ready-${packages.join('-').replaceAll(/[^\w.-]/g, '_')}`
  if (existsSync(ready)) return python
  const lock = `${folder}.lock`
  mkdirSync(dirname(folder), { recursive: true })
  while (!takeLock(lock)) await sleep(200)
  try {
    if (!existsSync(ready)) await install(folder, packages)
    writeFileSync(ready, '')
  } finally {
    rmSync(lock)
  }
  return python
}

/** Of an owner that is gone, the lock is nobody's. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' })
    return true
  } catch {
    if (!isOwned(lock)) rmSync(lock, { force: true })
    return false
  }
}

function isOwned(lock: string): boolean {
  try {
    return process.kill(Number(readFileSync(lock, 'utf8')), 0)
  } catch {
    return false
  }
}

async function install(folder: string, packages: readonly string[]): Promise<void> {
  const python = `${folder}/bin/python`
  rmSync(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  const [command, ...options] = (await hasUv())
    ? ['uv', 'pip', 'install', '--quiet', '--python', python]
    : [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  await run(command!, [...options, ...packages])
}

const hasUv = (): Promise<boolean> =>
  run('uv', ['--version']).then(
    () => true,
    () => false,
  )

/** What a script prints, one JSON document. */
export async function runJson<T>(command: string, args: readonly string[]): Promise<T> {
  const { stdout } = await run(command, args, { timeout: 120_000, maxBuffer: 1 << 24 })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  return JSON.parse(line) as T
}
