import { spawn } from 'node:child_process'

/** npm run check: every rule that a machine can hold, in one command. Prints what failed, and the time of each part. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  'format and lint': ['biome', 'check', '--error-on-warnings', '.'],
  types: ['tsc', '-p', '.'],
  'dead code': ['knip', '--no-progress'],
  'unit tests': ['vitest', 'run', '--project', 'unit', '--reporter=dot', '--maxWorkers=4'],
}

type Result = {
  readonly name: string
  readonly code: number | null
  readonly output: string
  readonly seconds: number
}

function run(name: string, [command, ...args]: readonly string[]): Promise<Result> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      const seconds = (performance.now() - startedAt) / 1000
      resolve({ name, code, output: Buffer.concat(output).toString(), seconds })
    })
  })
}

const results = await Promise.all(Object.entries(PARTS).map(([name, command]) => run(name, command)))
for (const { name, code, output } of results)
  if (code !== 0) console.log(`── ${name} ──\n${output.trimEnd()}\n`)
for (const { name, code, seconds } of results)
  console.log(`${code === 0 ? '✔' : '✖'} ${name.padEnd(16)} ${seconds.toFixed(1)}s`)
process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1
