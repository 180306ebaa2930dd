import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** Times are `performance.now()`, in milliseconds. */
export type Answer = {
  readonly sentAt: number
  readonly doneAt: number
  /** Of the last try; 0: there was no answer. */
  readonly status: number
  readonly text: string
  /** Tries it took. */
  readonly tries: number
}

export type Asking = {
  readonly port: number
  readonly path: string
  readonly bodyOf: (n: number) => unknown
  readonly perSecond: number
  /** As a client that asks again where no answer came, or one that says it may: 429, 503. Default 1. */
  readonly tries?: number
}

/** After the first try so long; then twice, three times …, in milliseconds. */
const PAUSE_MS = 100

type Reply = Pick<Answer, 'status' | 'text'>

function send(agent: Agent, { port, path }: Pick<Asking, 'port' | 'path'>, body: unknown): Promise<Reply> {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve) => {
    const lost = (error: Error): void => resolve({ status: 0, text: error.message })
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', lost)
      response.on('end', () =>
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }),
      )
    })
    call.on('error', lost)
    call.end(text)
  })
}

const mayAskAgain = ({ status }: Reply): boolean => [0, 429, 503].includes(status)

/** Asks until it is answered, or has tried so often. */
export async function ask(agent: Agent, asking: Omit<Asking, 'perSecond'>, n: number): Promise<Answer> {
  const { tries = 1 } = asking
  const sentAt = performance.now()
  for (let tried = 1; ; tried++) {
    const reply = await send(agent, asking, asking.bodyOf(n))
    if (tried === tries || !mayAskAgain(reply))
      return { ...reply, sentAt, doneAt: performance.now(), tries: tried }
    await sleep(PAUSE_MS * tried)
  }
}

/** Asks so many times a second, whatever the answers do, until it is stopped. */
export function keepAsking(asking: Asking): { stop(): Promise<Answer[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const sent: Promise<Answer>[] = []
  let running = true
  const sending = (async () => {
    const startedAt = performance.now()
    for (let n = 0; running; n++) {
      while (running && performance.now() < startedAt + (n * 1000) / asking.perSecond) await sleep(1)
      sent.push(ask(agent, asking, n))
    }
  })()
  return {
    async stop() {
      running = false
      await sending
      const answers = await Promise.all(sent)
      agent.destroy()
      return answers
    },
  }
}

/** Asks with so many callers, each as soon as it is answered, until it is stopped. */
export function keepCalling(
  asking: Omit<Asking, 'perSecond'>,
  callers: number,
  onAnswer: (answer: Answer, n: number) => void,
): { stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  let running = true
  let n = 0
  const loop = async (): Promise<void> => {
    while (running) {
      const own = n++
      onAnswer(await ask(agent, asking, own), own)
    }
  }
  const loops = Array.from({ length: callers }, loop)
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      agent.destroy()
    },
  }
}

export const failed = (answers: readonly Answer[]): Answer[] => answers.filter(({ status }) => status !== 200)

/** Of the native answer. */
export const versionOf = ({ text }: Answer): number =>
  Number(/"version":\{"number":(\d+)/.exec(text)?.[1] ?? 0)

/** Longest time in which no answer came, in milliseconds. */
function longestSilence(answers: readonly Answer[]): number {
  const times = answers
    .filter(({ status }) => status === 200)
    .map(({ doneAt }) => doneAt)
    .sort((a, b) => a - b)
  return Math.max(0, ...times.slice(1).map((time, i) => time - times[i]!))
}

/** In one line: `promises.md` quotes it. */
export function inWords(answers: readonly Answer[]): string {
  const again = answers.filter(({ tries }) => tries > 1).length
  const statuses = [...new Set(failed(answers).map(({ status }) => status))].join(', ')
  return `${answers.length} requests, ${again} tried again, ${failed(answers).length} failed${statuses && ` (${statuses})`}, longest silence ${longestSilence(answers).toFixed(0)} ms`
}

export const figure = (name: string, words: string): void => console.log(`▸ ${name}: ${words}`)
