import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ModelError, RowError } from '@millwright/engine'
import { afterEach, describe, expect, test } from 'vitest'
import { model, rowsOf } from '../test/models.ts'
import { HostFailure } from './failure.ts'
import { type Host, type HostLimits, openHost } from './host.ts'

const LIMITS: HostLimits = { memoryMib: 512, loadMs: 20_000, runMs: 2_000 }
const opened: Host[] = []

async function open(name: string, limits: Partial<HostLimits> = {}): Promise<Host> {
  const host = await openHost(model(name), { ...LIMITS, ...limits })
  opened.push(host)
  return host
}
afterEach(async () => {
  for (const host of opened.splice(0)) await host.close()
})

const ask = async (host: Host, ...rows: [number, number][]): Promise<number[]> => {
  const [answer] = await host.run(rowsOf(...rows), ['predict'])
  return Array.from(answer!.parts[0]!.data as Float64Array)
}

const failureOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => 'answered',
    (error) => error,
  )

/** Processes that run models for this one. */
function hostProcesses(parent = process.pid): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid, ...args]) => Number(ppid) === parent && args.join(' ').includes('host-process'))
    .map(([pid]) => Number(pid))
}

async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  for (const end = performance.now() + withinMs; !condition(); ) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a model', () => {
  test('answers whole frames, one after the other', async () => {
    const host = await open('table')

    const answers = await Promise.all([ask(host, [3, 0]), ask(host, [1, 0], [2, 0]), ask(host)])

    expect(answers).toEqual([[6, 7], [2, 3, 4, 5], []])
  })

  test('that refuses a row is the row’s fault, in words without paths', async () => {
    const host = await open('table')

    const error = await failureOf(ask(host, [9, 0]))

    expect(error).toBeInstanceOf(RowError)
    expect((error as Error).message).toContain('out of data bounds')
    expect((error as Error).message).not.toMatch(/[/\\]/)
    expect(await ask(host, [0, 0])).toEqual([0, 1])
  })

  test('that computes too long is stopped and replaced; who waited is answered or told', async () => {
    const host = await open('endless', { runMs: 500 })
    const [before] = hostProcesses()

    const failures = await Promise.all([failureOf(ask(host, [1000, 0])), failureOf(ask(host, [1, 0]))])
    const after = await ask(host, [1, 0])

    expect(failures).toEqual([expect.any(HostFailure), expect.any(HostFailure)])
    expect(failures).toMatchObject([{ kind: 'time' }, { kind: 'busy' }])
    expect(after).toEqual([2, 1])
    expect(hostProcesses()).not.toContain(before)
  })

  test('that takes too much memory is stopped and replaced', async () => {
    const host = await open('hungry', { runMs: 20_000 })

    const failure = await failureOf(ask(host, [1000, 0]))

    expect(failure).toMatchObject({ kind: 'memory' })
    expect(await ask(host, [1, 0])).toEqual([2, 1])
  })

  test('whose process was killed while it was idle is started anew, for the second run at the latest', async () => {
    const host = await open('table')
    const [pid] = hostProcesses()
    process.kill(pid!, 'SIGKILL')

    await failureOf(ask(host, [1, 0]))

    expect(await ask(host, [1, 0])).toEqual([2, 3])
    expect(hostProcesses()).not.toContain(pid)
  })

  test('leaves no process behind when it is closed', async () => {
    const host = await open('table')
    await host.close()

    await until(() => hostProcesses().length === 0)
  })

  test('leaves no process behind when its owner is killed in the middle of a run', async () => {
    const script = `
      const { openHost } = await import(${JSON.stringify(new URL('./host.ts', import.meta.url).href)})
      const { model, rowsOf } = await import(${JSON.stringify(new URL('../test/models.ts', import.meta.url).href)})
      const host = await openHost(model('endless'), { memoryMib: 512, loadMs: 20_000, runMs: 60_000 })
      host.run(rowsOf([1000, 0]), ['predict'])
      console.log('running')`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(owner.stdout, 'data')
    const [pid] = hostProcesses(owner.pid)

    owner.kill('SIGKILL')

    await until(() => {
      try {
        return !process.kill(pid!, 0)
      } catch {
        return true
      }
    })
  })
})

describe('a model that cannot be loaded', () => {
  test('is refused with what the runtime says, without paths', async () => {
    const error = await failureOf(open('future'))

    expect(error).toBeInstanceOf(ModelError)
    expect((error as Error).message).toMatchInlineSnapshot(
      `"ONNX Runtime cannot load the model (ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 999 is under development and support for this is limited. The operator schemas and or other functionality may change before next ONNX release and in this case ONNX Runtime will not guarantee b…); check it with onnx.checker.check_model, and export it again with an older opset if that is the reason"`,
    )
  })

  test('for want of memory or time is refused as over the limit', async () => {
    const errors = await Promise.all([
      failureOf(open('table', { memoryMib: 10 })),
      failureOf(open('table', { loadMs: 1 })),
    ])

    expect(errors).toMatchObject([
      { kind: 'limit', message: expect.stringContaining('more than 10 MiB of memory') },
      { kind: 'limit', message: expect.stringContaining('longer than 1 ms') },
    ])
  })
})
