import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHURN_ROW, cli, ROOT, type Running, removeFolder, startMillwright } from '../support/millwright.ts'
import { type Asking, keepAsking } from './asking.ts'

export const NET = join(ROOT, 'packages/engine/test/fixtures/onnx/torch-perceptron/model.onnx')
export const NET_ROW = Object.fromEntries([0, 1, 2, 3, 4].map((column) => [`input[${column}]`, column / 4]))
const MODELS = join(ROOT, 'examples/churn/models')

export type Serving = Running & {
  readonly port: number
  /** @throws Error with what the command line said */
  run(...args: string[]): Promise<string>
  change(action: string, body?: object): Promise<{ status: number; text: string }>
  predictions(options?: Partial<Asking>): ReturnType<typeof keepAsking>
  /** Process ids of ONNX models' processes. */
  hosts(): number[]
  end(): Promise<void>
}

type Options = NonNullable<Parameters<typeof startMillwright>[0]>

/** The whole tree of processes, that serves version 1 of `churn` and has a version 2. */
export async function startServing(options: Options = {}): Promise<Serving> {
  const serving = servingOf(await startMillwright(options))
  await serving.run('deploy', join(MODELS, 'churn_model_v2.pkl'), '--name', 'churn')
  await serving.run('deploy', join(MODELS, 'churn_model_v3.pkl'), '--name', 'churn', '--no-promote')
  return serving
}

/** What a data folder holds is served again. */
export const startAgain = async (data: string, options: Options = {}): Promise<Serving> =>
  servingOf(await startMillwright({ ...options, data }))

function servingOf(server: Running): Serving {
  const port = Number(new URL(server.url).port)
  return {
    ...server,
    port,
    async run(...args) {
      const { code, stdout, stderr } = await cli(args, { url: server.url })
      if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stderr}`)
      return stdout
    },
    async change(action, body = {}) {
      const headers = { 'content-type': 'application/json', connection: 'close' }
      return fetch(`${server.url}/api/v1/deployments/churn/${action}`, {
        ...{ method: 'POST', headers, body: JSON.stringify(body) },
      }).then(
        async (answer) => ({ status: answer.status, text: await answer.text() }),
        (error: Error) => ({ status: 0, text: error.message }),
      )
    },
    predictions: (options = {}) =>
      keepAsking({
        ...{ port, path: '/api/v1/deployments/churn/predict', perSecond: 100 },
        bodyOf: (n) => ({ row: { ...CHURN_ROW, days_since_last_order: n % 300 } }),
        ...options,
      }),
    hosts: () => server.pids().gateways.flatMap((gateway) => childrenOf(gateway, /host-process/)),
    async end() {
      await server.stop()
      removeFolder(server.data)
    },
  }
}

function childrenOf(parent: number, command: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        return (
          Number(/\) \w (\d+)/.exec(stat)![1]) === parent &&
          command.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
        )
      } catch {
        return false
      }
    })
    .map(Number)
}

export const kill = (pid: number, signal: NodeJS.Signals = 'SIGKILL'): void => void process.kill(pid, signal)
