import type { DoorManner } from './door.ts'
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
  /** A method it does not take, as the dialect words it. */
  readonly word?: DoorManner['word']
  /** A request that it does not take is control's, as if the path were not here. */
  readonly takes?: (exchange: Exchange) => boolean
}

/** A browser asks for a page; the clients of a dialect ask for anything, or for JSON. */
export const asksNoPage = (exchange: Exchange): boolean =>
  !(exchange.header('accept')?.includes('text/html') ?? false)
