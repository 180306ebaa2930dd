import { Status } from '@millwright/contracts'
import type { Context } from '../context.ts'
import { answerDeployment } from '../deployments/model.ts'
import { listDeployments } from '../deployments/store.ts'
import { defineRoute, type Route } from '../route.ts'
import { VERSION } from '../version.ts'
import type { Gateways } from './gateways.ts'
import type { Routing } from './routing.ts'

export type StatusDeps = {
  readonly context: Context
  readonly routing: Routing
  readonly gateways: Gateways
  readonly startedAt: number
  /** How the prediction log stands: of the predictions domain. */
  readonly readLogStatus: () => Promise<Status['log']>
}

export const statusRoutes = (deps: StatusDeps): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/status',
    permission: 'read',
    summary: 'Gateways, deployments and the prediction log at a glance',
    tag: 'status',
    answers: { 200: Status },
    handle: async () => ({ body: await readStatus(deps) }),
  }),
]

async function readStatus({
  context,
  routing,
  gateways,
  startedAt,
  readLogStatus,
}: StatusDeps): Promise<Status> {
  return {
    version: VERSION,
    epoch: routing.epoch(),
    started_at: new Date(startedAt).toISOString(),
    gateways: gateways.list(),
    deployments: (await listDeployments(context.db)).items.map(answerDeployment),
    log: await readLogStatus(),
  }
}
