import type { Dataplane, InferRequest } from '../dataplane.ts'
import type { Served } from '../served.ts'
import { failureOf } from './request-span.ts'
import type { Span } from './span.ts'

/** The same data plane, with a span `infer` around it where a request has one; the time in models stands below that. */
export const withSpans = (plane: Dataplane): Dataplane => ({
  inferNow(served, request) {
    const span = open(served, request)
    if (span === undefined) return plane.inferNow(served, request)
    try {
      return plane.inferNow(served, { ...request, span })
    } catch (error) {
      span.failure = failureOf(error)
      throw error
    } finally {
      span.end()
    }
  },
  async infer(served, request) {
    const span = open(served, request)
    if (span === undefined) return plane.infer(served, request)
    try {
      return await plane.infer(served, { ...request, span })
    } catch (error) {
      span.failure = failureOf(error)
      throw error
    } finally {
      span.end()
    }
  },
})

function open({ engine, threadRows }: Served, { span, rows }: InferRequest): Span | undefined {
  const own = span?.child('infer')
  if (own === undefined) return undefined
  own.attributes['millwright.rows'] = rows.count
  own.attributes['millwright.engine'] =
    engine.kind === 'inline' && rows.count >= threadRows ? 'threads' : engine.kind
  return own
}
