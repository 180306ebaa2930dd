import { setTimeout as sleep } from 'node:timers/promises'
import { MillwrightError } from '@millwright/contracts/errors'
import type { Exchange } from '../exchange.ts'
import type { Replies, Reply } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import type { Params } from '../router.ts'
import type { Job, JobResult } from './job.ts'
import type { Jobs } from './runner.ts'
import { parseAnswer } from './webhook.ts'

const ID = /^job_[0-9A-Z]{26}$/
const WAIT = /[?&]wait=(\d{1,3})(?:&|$)/
/** Longest a question waits for a job to be done, in seconds. */
const MOST_WAIT = 60
/** How often it looks: the answer may come from another process. */
const LOOK_MS = 25
const LAST_LOOK_MS = 400

type JobDeps = { readonly jobs: Jobs; readonly replies: Replies }

/** What a job was answered: 200 when it is done, 202 when it is not; `?wait=30` waits so many seconds for it. */
export const jobRoutes = ({ jobs, replies }: JobDeps): GatewayRoute[] => [
  {
    path: '/api/v1/deployments/{name}/jobs/{key}',
    methods: ['GET'],
    door: 'jobs',
    permission: 'predict',
    answer: (exchange, params) =>
      void describeJob(jobs, exchange, params).then(
        (reply) => replies.send('jobs', exchange, reply),
        (error: unknown) => replies.sendError('jobs', exchange, error),
      ),
  },
]

async function describeJob(jobs: Jobs, exchange: Exchange, { name, key = '' }: Params): Promise<Reply> {
  const seconds = Math.min(MOST_WAIT, Number(WAIT.exec(exchange.url)?.[1] ?? 0))
  const until = performance.now() + seconds * 1000
  for (let pause = LOOK_MS; ; pause = Math.min(LAST_LOOK_MS, pause * 1.5)) {
    const found = ID.test(key) ? await jobs.find(key) : undefined
    const job = found !== undefined && 'result' in found ? found.result : found
    if (found === undefined || job?.deployment !== name)
      throw new MillwrightError('JOB_NOT_FOUND', { id: key.slice(0, 64) })
    if ('result' in found) return done(found.result, found.body)
    if (performance.now() + pause > until || exchange.isGone) return pending(found)
    await sleep(pause)
  }
}

export function pending({ deployment, id }: Job): Reply {
  const url = `/api/v1/deployments/${encodeURIComponent(deployment)}/jobs/${id}`
  const headers = { location: url, 'retry-after': '1' }
  return { status: 202, headers, body: JSON.stringify({ id, state: 'pending', url }) }
}

function done({ id, status, type, headers, acceptedAt, doneAt, attempts }: JobResult, body: Buffer): Reply {
  const [accepted_at, done_at] = [acceptedAt, doneAt].map((time) => new Date(time).toISOString())
  const answer = parseAnswer(body)
  return {
    body: JSON.stringify({
      id,
      state: 'done',
      status,
      type,
      headers,
      accepted_at,
      done_at,
      attempts,
      answer,
    }),
  }
}
