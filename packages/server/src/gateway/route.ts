import type { Exchange } from './exchange.ts'
import type { Door } from './replies.ts'
import type { Params } from './router.ts'

/** What a caller must be allowed to do. `public`: nothing. */
export type Permission = 'public' | 'predict' | 'read' | 'label' | 'deploy' | 'admin'

/** One row of a gateway's route table: a path, in one dialect. */
export type GatewayRoute = {
  /** As the router reads it: `/v2/models/{name}/infer`. */
  readonly path: string
  readonly methods: readonly string[]
  readonly door: Door
  readonly permission: Permission
  readonly answer: (exchange: Exchange, params: Params) => void
}
