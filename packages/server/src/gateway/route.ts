import type { Permission } from '@millwright/contracts/scopes'
import type { DoorManner } from './door.ts'
import type { Exchange } from './exchange.ts'
import type { Door } from './replies.ts'
import type { Params } from './router.ts'

/** One row of a gateway's route table: a path, in one dialect. */
export type GatewayRoute = {
  /** As the router reads it: `/v2/models/{name}/infer`. */
  readonly path: string
  readonly methods: readonly string[]
  readonly door: Door
  /** What a caller must be allowed to do. */
  readonly permission: Permission
  readonly answer: (exchange: Exchange, params: Params) => void
  /** How the dialect words that a method is not taken, or a caller may not; undefined: a problem document. */
  readonly word?: DoorManner['word']
  /** A request that it does not take is control's, as if the path were not here. */
  readonly takes?: (exchange: Exchange) => boolean
  /** Other methods of its path are control's. */
  readonly sharesPath?: true
}

/** A browser asks for a page; the clients of a dialect ask for anything, or for JSON. */
export const asksNoPage = (exchange: Exchange): boolean =>
  !(exchange.header('accept')?.includes('text/html') ?? false)
