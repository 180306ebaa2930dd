import { MillwrightError } from '@millwright/contracts/errors'
import type { DoorDeps } from '../door.ts'
import type { Reply } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import type { Served } from '../served.ts'
import { selectServed } from '../serving-table.ts'
import type { Ready } from './ready.ts'

/** The answer to a key that was computed beforehand: a question of where it stands, not of the model. */
export const precomputedRoutes = ({ table, replies }: DoorDeps): GatewayRoute[] => [
  {
    path: '/api/v1/deployments/{name}/precomputed/{key}',
    methods: ['GET', 'HEAD'],
    door: 'precomputed',
    permission: 'predict',
    answer: (exchange, { key = '', ...params }) => {
      const find = async (): Promise<Reply> => readyOf(selectServed(table(), params)).get(key)
      find().then(
        (reply) => replies.send('precomputed', exchange, reply),
        (error: unknown) => replies.sendError('precomputed', exchange, error),
      )
    },
  },
]

/** @throws MillwrightError PRECOMPUTED_NOT_FOUND when the deployment has none */
export function readyOf({ ready, routed }: Served): Ready {
  if (ready === undefined) throw new MillwrightError('PRECOMPUTED_NOT_FOUND', { name: routed.name })
  return ready
}
