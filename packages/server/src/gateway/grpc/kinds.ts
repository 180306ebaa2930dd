import type { IdSource } from '../../ids.ts'
import type { Counter } from '../../metrics/families.ts'
import type { Answer } from '../exchange.ts'
import { type Call, unsupported } from './call.ts'
import { GrpcExchange } from './exchange.ts'
import type { GrpcRoute } from './route.ts'
import { OK_TRAILERS, okTrailersOf, trailersOf } from './status.ts'

/** What calls are answered with. */
export type Context = {
  readonly ids: IdSource
  readonly cancelled: Counter
  readonly maxMessageBytes: number
  /** Ends the streams that are open. */
  readonly open: Set<() => void>
  /** @see createTurn */
  readonly inTurn: (task: () => void) => void
}
type Kind = (call: Call, route: GrpcRoute, context: Context) => void

/** How an rpc is answered, by what its messages are streams of. */
export const KINDS: Readonly<Record<'none' | 'both' | 'answers', Kind>> = {
  none: (call, route, context) =>
    receiveOne(call, context, (body) => answerOne(call, route, { body, context })),
  both: answerEach,
  answers: (call, route, context) =>
    receiveOne(call, context, (body) => watch(call, route, { body, context })),
}

/** How often it is looked whether a watched answer is another one. */
const WATCH_MS = 500

/** Hands over the only message of a call, when nothing comes after it. */
function receiveOne(
  call: Call,
  { maxMessageBytes, cancelled, inTurn }: Context,
  answer: (body: Buffer) => void,
): void {
  let body: Buffer | undefined
  const answerInTime = (message: Buffer): void => {
    if (call.isLate()) cancelled.value += 1
    else answer(message)
  }
  call.receive(
    {
      take(message, done) {
        if (body !== undefined) call.fail(unsupported('a second message in a call of this rpc', 'send one'))
        body = message
        done()
      },
      end() {
        const message = body
        if (message !== undefined) inTurn(() => answerInTime(message))
        else call.fail(unsupported('a call of this rpc without a message', 'send one'))
      },
    },
    maxMessageBytes,
  )
}

type Asked = { readonly body: Buffer; readonly context: Context }

function answerOne(call: Call, route: GrpcRoute, { body, context: { ids } }: Asked): void {
  const respond = (answer: Answer): void => {
    const failure = trailersOf(answer)
    if (failure === undefined) call.answer(bytesOf(answer), okTrailersOf(answer))
    else call.end(failure)
  }
  route.answer(new GrpcExchange(call, body, { ids, respond, startedAt: call.startedAt }), {})
}

/** Answers message by message, in their order: the next is read when the answer before it is sent. */
function answerEach(call: Call, route: GrpcRoute, { ids, open, maxMessageBytes, inTurn }: Context): void {
  let isBusy = false
  let isEnding = false
  const end = (): void => {
    isEnding = true
    if (!isBusy) call.end(OK_TRAILERS)
  }
  open.add(end)
  call.onOver(() => open.delete(end))
  call.receive(
    {
      take(body, done) {
        isBusy = true
        const sent = (): void => {
          isBusy = false
          if (isEnding) call.end(OK_TRAILERS)
          else done()
        }
        const respond = (answer: Answer): void => {
          const failure = trailersOf(answer)
          if (failure === undefined) call.send(bytesOf(answer), sent)
          else call.end(failure)
        }
        const exchange = new GrpcExchange(call, body, { ids, respond, startedAt: performance.now() })
        inTurn(() => route.answer(exchange, {}))
      },
      end,
    },
    maxMessageBytes,
  )
}

/** Asks the route again and again, and sends its answer when it is another one. */
function watch(call: Call, route: GrpcRoute, { body, context: { ids, open } }: Asked): void {
  let last: Buffer | undefined
  const respond = (answer: Answer): void => {
    const failure = trailersOf(answer)
    const bytes = bytesOf(answer)
    if (failure !== undefined) call.end(failure)
    else if (last === undefined || !last.equals(bytes)) call.send(bytes)
    last = bytes
  }
  const look = (): void =>
    route.answer(new GrpcExchange(call, body, { ids, respond, startedAt: performance.now() }), {})
  const looking = setInterval(look, WATCH_MS)
  const end = (): void => {
    look()
    call.end(OK_TRAILERS)
  }
  open.add(end)
  call.onOver(() => {
    clearInterval(looking)
    open.delete(end)
  })
  look()
}

const bytesOf = ({ body }: Answer): Buffer => (Buffer.isBuffer(body) ? body : Buffer.from(body as Uint8Array))
