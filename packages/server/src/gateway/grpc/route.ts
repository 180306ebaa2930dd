import { MillwrightError } from '@millwright/contracts/errors'
import type { Permission } from '@millwright/contracts/scopes'
import {
  createPredictDoor,
  createReadDoor,
  type DoorDeps,
  type DoorManner,
  type DoorRequest,
} from '../door.ts'
import type { Exchange } from '../exchange.ts'
import type { Guard } from '../guard.ts'
import type { Rpc, Streams } from '../protobuf/service.ts'
import type { Reply } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import type { Params } from '../router.ts'
import type { Served } from '../served.ts'
import { wordStatus } from './status.ts'

export type GrpcDeps = DoorDeps & { readonly guard: Guard }

/** An rpc as a row of the route table: its path, asked by POST with a message as body. */
export type GrpcRoute = GatewayRoute & { readonly streams: Streams | undefined }

const MANNER = { door: 'grpc', word: wordStatus } as const
const NO_PARAMS: Params = {}

/** How a request for a prediction is read out of its message. */
export type PredictRpc<Q, A> = {
  /** The deployment it is for. */
  readonly paramsOf: (message: Q) => Params
  readonly answer: (served: Served, message: Q, request: DoorRequest) => A | Promise<A>
  /** By default an error is the status of the call. */
  readonly manner?: DoorManner<Q>
  /** Whom the request is about. */
  readonly unitOf?: (message: Q) => string | undefined
}

/** A question about what is served. */
export const readRoute = <Q, A>(
  deps: GrpcDeps,
  rpc: Rpc<Q, A>,
  permission: Permission,
  answer: (message: Q, exchange: Exchange) => A | Promise<A>,
): GrpcRoute =>
  routeOf(deps, rpc, permission, (exchange, message) =>
    createReadDoor(deps, MANNER, () => replyTo(rpc, answer(message, exchange)))(exchange, NO_PARAMS),
  )

/** A prediction: message, deployment, answer, by the way of all doors. */
export const predictRoute = <Q, A>(
  deps: GrpcDeps,
  rpc: Rpc<Q, A>,
  { paramsOf, answer, manner = MANNER, unitOf }: PredictRpc<Q, A>,
): GrpcRoute => {
  const predict = createPredictDoor<Q>(
    deps,
    { ...manner, ...(unitOf && { unitOf }) },
    (served, request, message) => replyTo(rpc, answer(served, message, request)),
  )
  return routeOf(deps, rpc, 'predict', (exchange, message) => predict(exchange, paramsOf(message), message))
}

function replyTo<Q, A>({ response }: Rpc<Q, A>, answered: A | Promise<A>): Reply | Promise<Reply> {
  const reply = (value: A): Reply => ({ body: response.encode(value) })
  return answered instanceof Promise ? answered.then(reply) : reply(answered)
}

function routeOf<Q, A>(
  { replies, maxBodyBytes, guard }: GrpcDeps,
  { path, request, streams }: Rpc<Q, A>,
  permission: Permission,
  answer: (exchange: Exchange, message: Q) => void,
): GrpcRoute {
  return {
    ...{ path, methods: ['POST'], door: 'grpc', permission, streams },
    answer: (exchange) =>
      exchange.readBody(maxBodyBytes, (error, bytes) => {
        let message: Q
        try {
          if (error !== undefined) throw error
          message = decode(request, bytes)
          guard.assertAllowed(exchange, permission, deploymentIn(message))
        } catch (fault) {
          replies.sendError('grpc', exchange, fault, { word: wordStatus })
          return
        }
        answer(exchange, message)
      }),
  }
}

/** Messages name a deployment in one of these fields, or in none. */
function deploymentIn(message: unknown): Params {
  const { name, model_name, model_spec } = message as Readonly<Record<string, unknown>>
  const named = [name, model_name, (model_spec as { name?: unknown } | undefined)?.name]
  const found = named.find((text): text is string => typeof text === 'string' && text !== '')
  return found === undefined ? NO_PARAMS : { name: found }
}

/** @throws MillwrightError INVALID_MESSAGE */
function decode<Q>({ name, decode }: Rpc<Q>['request'], bytes: Buffer): Q {
  try {
    return decode(bytes)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new MillwrightError('INVALID_MESSAGE', { name, detail: cause.message }, { cause })
  }
}
