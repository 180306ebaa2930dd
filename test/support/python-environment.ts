import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * A Python with packages in exact versions, in a git-ignored folder, made once: by uv where it is there, which takes a tenth
 * of pip's time.
 * @returns the path of its interpreter @throws Error when there is no Python, or the packages cannot be fetched
 */
export async function installPython(folder: string, packages: readonly string[]): Promise<string> {
  const python = `${folder}/bin/python`
  const ready = `${folder}/ready-${packages.join('-').replaceAll(/[^\w.-]/g, '_')}`
  if (existsSync(ready)) return python
  rmSync(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  const [command, ...install] = (await hasUv())
    ? ['uv', 'pip', 'install', '--quiet', '--python', python]
    : [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  await run(command!, [...install, ...packages])
  writeFileSync(ready, '')
  return python
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
