import { MillwrightError } from '@millwright/contracts/errors'
import type { DoorDeps } from '../door.ts'
import { assertRate } from '../limits.ts'
import type { Reply } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import type { Served } from '../served.ts'
import { findServed, selectServed } from '../serving-table.ts'
import type { Ready } from './ready.ts'

/** The answer to a key that was computed beforehand: a question of where it stands, not of the model. */
export const precomputedRoutes = (deps: DoorDeps): GatewayRoute[] => [
  {
    path: '/api/v1/deployments/{name}/precomputed/{key}',
    methods: ['GET', 'HEAD'],
    door: 'precomputed',
    permission: 'predict',
    answer: (exchange, { key = '', ...params }) => {
      const { table, replies } = deps
      const find = async (): Promise<Reply> => {
        const served = selectServed(table(), params)
        assertRate(deps, served, exchange)
        return readyOf(served).get(key)
      }
      find().then(
        (reply) => replies.send('precomputed', exchange, reply),
        (error: unknown) =>
          replies.sendError('precomputed', exchange, error, {
            deployment: findServed(table(), params)?.routed.name,
          }),
      )
    },
  },
]

/** @throws MillwrightError PRECOMPUTED_NOT_FOUND when the deployment has none */
export function readyOf({ ready, routed }: Served): Ready {
  if (ready === undefined) throw new MillwrightError('PRECOMPUTED_NOT_FOUND', { name: routed.name })
  return ready
}
