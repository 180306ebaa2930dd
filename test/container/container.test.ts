import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHURN_ROW, eventually, freePort, postJson, ROOT } from '../support/millwright.ts'
import { buildImage, IMAGE, podman, pythonTool, whyNoContainers } from './podman.ts'

const reason = whyNoContainers()
if (reason !== undefined) console.warn(`skipped: ${reason}`)

const NAME = `millwright-test-${process.pid}`
const MEGABYTE = 1_000_000
/** As strict as an operator can be: nothing is writable but the volume. */
const HARDENED = [
  ...['--read-only', '--read-only-tmpfs=false', '--cap-drop', 'all'],
  ...['--security-opt', 'no-new-privileges', '--pids-limit', '200', '--memory', '400m'],
]

const state = (field: string): Promise<string> => podman('inspect', '--format', `{{.State.${field}}}`, NAME)
const inside = (...command: string[]): Promise<string> =>
  podman('exec', '--env', `MILLWRIGHT_API_KEY=${apiKey}`, NAME, ...command)
/** Of an administrator, made before the first start. */
let apiKey = ''
const withKey = (): Record<string, string> => ({ 'x-api-key': apiKey })
const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(2)

describe.skipIf(reason !== undefined)('the container image', () => {
  let url: string

  const predict = (): Promise<{ status: number; json: { prediction: { id: string } } }> =>
    postJson(`${url}/api/v1/deployments/churn/predict`, { row: CHURN_ROW }, withKey())
  /** Asks until it is answered; a container that is starting refuses connections. */
  const firstAnswer = () =>
    eventually(async () => {
      const answer = await predict().catch(() => undefined)
      return answer?.status === 200 ? answer : undefined
    })
  const isReady = () =>
    eventually(() =>
      fetch(`${url}/health/ready`).then(
        (reply) => reply.ok,
        () => false,
      ),
    )

  beforeAll(async () => {
    const startedAt = performance.now()
    await buildImage()
    const size = Number(await podman('image', 'inspect', '--format', '{{.Size}}', IMAGE))
    console.log(`built in ${seconds(startedAt)} s, ${(size / MEGABYTE).toFixed(0)} MB`)

    await expect(podman('run', '--rm', '-v', `${NAME}:/data`, ...HARDENED, IMAGE)).rejects.toThrow(
      'there is no active one',
    )
    const create = ['keys', 'create', 'admin', '--scope', 'admin', '--data', '/data']
    apiKey = await podman('run', '--rm', '-v', `${NAME}:/data`, ...HARDENED, IMAGE, ...create)

    const ranAt = performance.now()
    await podman(
      'run',
      '-d',
      '--name',
      NAME,
      '-v',
      `${NAME}:/data`,
      '-p',
      '127.0.0.1::7600',
      ...HARDENED,
      IMAGE,
    )
    url = `http://${await podman('port', NAME, '7600')}`
    await isReady()
    console.log(`ready ${seconds(ranAt)} s after podman run`)
  })
  afterAll(async () => {
    await podman('rm', '--force', '--time', '0', '--ignore', NAME)
    await podman('volume', 'rm', '--force', NAME)
  })

  test('it has at most 300 MB', async () => {
    expect(Number(await podman('image', 'inspect', '--format', '{{.Size}}', IMAGE))).toBeLessThan(
      300 * MEGABYTE,
    )
  })

  test('it carries neither sources nor tools to build or install with', async () => {
    expect(await inside('find', '/app', '-name', '*.ts', '-not', '-path', '/app/dist/types/*')).toBe('')
    expect(await inside('ls', '/usr/local/bin')).toBe('millwright\nnode')
  })

  test('its Dockerfile gives the linter nothing to say', async () => {
    expect(await pythonTool('hadolint', `${ROOT}/Dockerfile`)).toBe('')
  })

  test('it runs as user 1000 without any capability and cannot write outside of its volume', async () => {
    const written = (folder: string) =>
      inside('touch', `${folder}/here`).then(
        () => true,
        () => false,
      )

    expect(await inside('id', '-u')).toBe('1000')
    expect(await inside('grep', '-E', '^(CapEff|NoNewPrivs)', '/proc/1/status')).toBe(
      'CapEff:\t0000000000000000\nNoNewPrivs:\t1',
    )
    expect(await Promise.all(['/', '/app', '/tmp', '/data'].map(written))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  test('its health check succeeds while it is ready', async () => {
    await expect(podman('healthcheck', 'run', NAME)).resolves.toBe('')
  })

  test('a model deployed inside is served outside', async () => {
    const address = await inside('millwright', 'deploy', 'examples/churn')

    expect(address).toBe('http://127.0.0.1:7600/predict/churn')
    expect((await predict()).status).toBe(200)
    expect((await fetch(`${url}/api/v1/models`)).status).toBe(401)
  })

  test('stopping it answers the request in flight and ends with exit code 0', async () => {
    const body = JSON.stringify({ row: CHURN_ROW })
    const { inFlight, send } = await beginRequest(`${url}/api/v1/deployments/churn/predict`, body.length)

    const stopped = podman('stop', '--time', '20', NAME)
    await eventually(async () => (await podman('logs', NAME)).includes('stopping:'))
    send(body)

    expect(await inFlight).toBe(200)
    await stopped
    expect(await state('ExitCode')).toBe('0')
  })

  test('started again, it serves what was deployed before and finds what it answered before', async () => {
    const startedAt = performance.now()
    await podman('start', NAME)
    const { json } = await firstAnswer()
    console.log(`first prediction ${seconds(startedAt)} s after podman start`)

    const found = await eventually(async () => {
      const reply = await fetch(`${url}/api/v1/predictions?id=${json.prediction.id}`, { headers: withKey() })
      return ((await reply.json()) as { data?: { id: string }[] }).data?.[0]
    })
    expect(found.id).toBe(json.prediction.id)
  })

  test('killed all at once, it serves again from its volume', async () => {
    await podman('kill', '--signal', 'KILL', NAME)
    await podman('wait', NAME)
    const exitCode = await state('ExitCode')

    await podman('start', NAME)

    expect(exitCode).toBe('137')
    expect((await firstAnswer()).status).toBe(200)
  })

  test('with too little memory it is killed, and its volume serves in a container with enough', async () => {
    await podman('rm', '--force', NAME)
    const onVolume = ['--name', NAME, '-v', `${NAME}:/data`, '-p', '127.0.0.1::7600']
    const starved = ['--memory', '48m', '--memory-swap', '48m']
    await podman('run', '-d', ...onVolume, ...HARDENED, ...starved, IMAGE)
    await podman('wait', NAME)
    const exitCode = await state('ExitCode')
    await podman('rm', NAME)

    await podman('run', '-d', ...onVolume, ...HARDENED, IMAGE)
    url = `http://${await podman('port', NAME, '7600')}`

    expect(exitCode).toBe('137')
    expect((await firstAnswer()).status).toBe(200)
  })

  test('compose.yaml starts it with the example served', async () => {
    await podman('tag', IMAGE, 'docker.io/library/millwright:latest')
    const port = await freePort()
    const compose = (...args: string[]) =>
      pythonTool('podman-compose', '--file', `${ROOT}/compose.yaml`, '--project-name', NAME, ...args)
    process.env.MILLWRIGHT_PORT = String(port)

    try {
      await compose('up', '--detach', '--no-build', '--no-deps', 'millwright')
      const health = await eventually(async () => {
        const text = await fetch(`http://127.0.0.1:${port}/health`).then(
          (reply) => reply.text(),
          () => '',
        )
        return text.includes('v2') && text
      })

      expect(JSON.parse(health)).toEqual({ status: 'healthy', model_version: 'v2' })
    } finally {
      await compose('down', '--volumes')
      delete process.env.MILLWRIGHT_PORT
    }
  })
})

/** A request whose headers the server has read and whose body it waits for. */
function beginRequest(
  url: string,
  bytes: number,
): Promise<{ inFlight: Promise<number>; send: (body: string) => void }> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': bytes,
      ...withKey(),
      expect: '100-continue',
      connection: 'close',
    }
    const sent = request(url, { method: 'POST', headers })
    const inFlight = new Promise<number>((answered, failed) => {
      sent.on('response', (reply) => answered(reply.resume().statusCode!))
      sent.on('error', failed)
    })
    inFlight.catch(reject)
    sent.on('continue', () => resolve({ inFlight, send: (body) => sent.end(body) }))
    sent.flushHeaders()
  })
}
