import { MillwrightError } from '@millwright/contracts/errors'
import { CHALLENGE } from '../access/permission.ts'
import { SIGNED_PATHS } from '../access/signed-paths.ts'
import { type Exchange, pathOf } from './exchange.ts'
import type { Guard } from './guard.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { Replies } from './replies.ts'
import type { RequestHead } from './request-head.ts'
import type { GatewayRoute } from './route.ts'
import { createRouter, type Params } from './router.ts'

export type DispatchDeps = {
  readonly routes: readonly GatewayRoute[]
  readonly guard: Guard
  readonly replies: Replies
  /** For what is control's. */
  readonly passOn: (exchange: HttpExchange) => void
}

/** From a request to who answers it, if it may be answered. */
export type Dispatcher = {
  readonly dispatch: (exchange: HttpExchange) => void
  /** Answers a POST of someone who was allowed to send it. */
  readonly answerOf: (exchange: Exchange) => void
  /** Who answers POSTs with such a head; undefined: `dispatch` does. @throws URIError, MillwrightError where it refuses */
  readonly answererOf: (head: RequestHead) => ((exchange: Exchange) => void) | undefined
}

export function createDispatcher({ routes, guard, replies, passOn }: DispatchDeps): Dispatcher {
  const find = createRouter(byPath(routes))
  const answer = (route: GatewayRoute, exchange: Exchange, params: Params): void => {
    try {
      guard.assertAllowed(exchange, route.permission, route.door === 'proxy' ? undefined : params)
    } catch (fault) {
      refuse(replies, route, exchange, fault)
      return
    }
    route.answer(exchange, params)
  }
  const choose = (exchange: HttpExchange): void => {
    const { method } = exchange
    const match = find(exchange.url)
    const route = match?.target.find(({ methods }) => methods.includes(method))
    try {
      guard.assertOwnOrigin(method, exchange)
    } catch (fault) {
      refuse(replies, route ?? PROXY, exchange, fault)
      return
    }
    const isOurs = route !== undefined && route.takes?.(exchange) !== false
    if (match !== undefined && isOurs) {
      answer(route, exchange, match.params)
      return
    }
    if (!exchange.url.startsWith(SIGNED_PATHS)) guard.assertKnown(exchange)
    if (match !== undefined && route === undefined && refuses(match.target, method))
      refuseMethod(replies, exchange, match.target)
    else passOn(exchange)
  }
  return {
    dispatch(exchange) {
      try {
        choose(exchange)
      } catch (fault) {
        const error = fault instanceof URIError ? routeNotFound(exchange) : fault
        refuse(replies, PROXY, exchange, error)
      }
    },
    answerOf(exchange) {
      const match = find(exchange.url)
      const route = match?.target.find(({ methods }) => methods.includes('POST'))
      if (route === undefined) replies.sendError('jobs', exchange, routeNotFound(exchange))
      else route.answer(exchange, match!.params)
    },
    answererOf({ url, fields }) {
      guard.assertOwnOrigin('POST', { header: (name) => fields.get(name) })
      const match = find(url)
      const route = match?.target.find(({ methods }) => methods.includes('POST'))
      if (route === undefined || route.takes !== undefined) return undefined
      return (exchange) => answer(route, exchange, match!.params)
    },
  }
}

/** Refuses what is nobody's of the gateway. */
const PROXY: Pick<GatewayRoute, 'door' | 'word'> = { door: 'proxy' }

/** The rows of one path, each for some methods. */
type PathRoutes = readonly GatewayRoute[]

const byPath = (routes: PathRoutes): [string, PathRoutes][] => [...Map.groupBy(routes, ({ path }) => path)]

const refuses = (routes: PathRoutes, method: string): boolean =>
  REFUSED.has(method) && !routes.some(({ sharesPath }) => sharesPath)

/** What is neither allowed nor among these is control's to refuse. */
const REFUSED = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Methods that a path does not take are refused before their body is read; OPTIONS tells which it takes. */
function refuseMethod(replies: Replies, exchange: Exchange, routes: PathRoutes): void {
  const { method } = exchange
  const { door, word } = routes[0]!
  const headers = { allow: [...routes.flatMap(({ methods }) => methods), 'OPTIONS'].join(', ') }
  const params = { method, path: pathOf(exchange), allowed: headers.allow }
  if (method === 'OPTIONS') replies.send(door, exchange, { body: '', headers })
  else
    replies.sendError(door, exchange, new MillwrightError('METHOD_NOT_ALLOWED', params), {
      headers,
      word: word && ((error) => word(error, undefined)),
    })
}

const CHALLENGES = { 'www-authenticate': CHALLENGE }

/** In the words of the dialect, which knows of no deployment: who may not call is not told what there is. */
function refuse(
  replies: Replies,
  { door, word }: Pick<GatewayRoute, 'door' | 'word'>,
  exchange: Exchange,
  fault: unknown,
): void {
  const isUnknown = fault instanceof MillwrightError && fault.code === 'UNAUTHENTICATED'
  replies.sendError(door, exchange, fault, {
    ...(word && { word: (error: MillwrightError) => word(error, undefined) }),
    ...(isUnknown && { headers: CHALLENGES }),
  })
}

const routeNotFound = (exchange: Exchange): MillwrightError =>
  new MillwrightError('ROUTE_NOT_FOUND', { method: exchange.method, path: pathOf(exchange) })
