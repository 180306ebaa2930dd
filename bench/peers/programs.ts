import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPython, type Program, start, startMillwright } from '../http/programs.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const HERE = join(ROOT, 'bench/peers')
const MODEL = join(ROOT, 'packages/server/test/fixtures/models/iris-lr.joblib')

/** A server of the iris model, and where its dialects are. */
export type Peer = Program & {
  readonly name: string
  /** The product a ratio is given to: the best of its settings counts. */
  readonly of: string
  readonly grpcPort: number | undefined
  /** Addresses of the dialects it speaks. */
  readonly paths: { readonly v2?: string; readonly invocations?: string }
}

const V2 = '/v2/models/iris-lr/infer'
const isReadyAt = (url: string) => () => fetch(url).then((answer) => answer.ok)
const python = (name: string): string => installPython(`peer-${name}`, join(HERE, `${name}.txt`))

export async function startIris(port: number, gateways: number): Promise<Peer> {
  const url = `http://127.0.0.1:${port}`
  const program = await startMillwright(port, gateways, [], { isReady: isReadyAt(`${url}/api/v1/status`) })
  const deploy = ['bin/millwright.js', 'deploy', MODEL, '--name', 'iris-lr', '--url', url]
  execFileSync(process.execPath, deploy, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  const paths = { v2: V2, invocations: '/invocations' }
  return { ...program, name: 'millwright', of: 'millwright', grpcPort: port, paths }
}

export async function startMlserver(port: number, workers: number): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-mlserver-'))
  const ports = { http_port: port, grpc_port: port + 1, metrics_port: port + 2 }
  const settings = { ...ports, parallel_workers: workers, debug: false }
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
  const implementation = 'mlserver_sklearn.SKLearnModel'
  const model = { name: 'iris-lr', implementation, parameters: { uri: MODEL } }
  writeFileSync(join(folder, 'model-settings.json'), JSON.stringify(model))
  const program = await start(port, [[python('mlserver'), '-m', 'mlserver.cli.main', 'start', folder]], {
    isReady: isReadyAt(`http://127.0.0.1:${port}/v2/models/iris-lr/ready`),
  })
  return { ...program, name: `MLServer × ${workers}`, of: 'MLServer', grpcPort: port + 1, paths: { v2: V2 } }
}

export async function startTriton(port: number): Promise<Peer> {
  const ports = [port, port + 1, port + 2].map(String)
  const program = await start(port, [[python('triton'), join(HERE, 'triton_model.py'), ...ports]], {
    isReady: isReadyAt(`http://127.0.0.1:${port}/v2/models/iris-lr/ready`),
  })
  return { ...program, name: 'Triton', of: 'Triton', grpcPort: port + 1, paths: { v2: V2 } }
}

export async function startMlflow(port: number, workers: number): Promise<Peer> {
  const interpreter = python('mlflow')
  const folder = join(ROOT, 'bench/.cache/peer-mlflow-model')
  if (!existsSync(folder)) execFileSync(interpreter, [join(HERE, 'save_mlflow.py'), MODEL, folder])
  const serve = ['-m', 'mlflow', 'models', 'serve', '-m', folder, '-p', String(port)]
  const env = { PATH: `${join(interpreter, '..')}:${process.env.PATH}` }
  const options = ['--env-manager', 'local', '--workers', String(workers)]
  const program = await start(port, [[interpreter, ...serve, ...options]], {
    ...{ env, isReady: isReadyAt(`http://127.0.0.1:${port}/ping`) },
  })
  const paths = { invocations: '/invocations' }
  return { ...program, name: `mlflow × ${workers}`, of: 'mlflow', grpcPort: undefined, paths }
}
