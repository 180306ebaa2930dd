import { headersOf } from './trace-context.ts'

export type Attributes = Record<string, string | number | boolean>
export type SpanKind = 'internal' | 'server'

type Identity = { readonly traceId: string; readonly state: string | undefined }

/** Where spans go when they have ended, and their ids come from. */
export type SpanSink = { readonly nextSpanId: () => string; readonly add: (span: Span) => void }

export type SpanStart = {
  readonly name: string
  readonly kind: SpanKind
  readonly parentId: string | undefined
  /** `performance.now()`, as all times here. */
  readonly startedAt: number
}

/** Something that takes time, as a part of a trace. There are spans of traces that are sampled only. */
export class Span {
  readonly traceId: string
  readonly state: string | undefined
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly startedAt: number
  readonly attributes: Attributes = {}
  endedAt = 0
  /** Why it failed: an error's code. */
  failure: string | undefined
  #whole: Span | undefined
  readonly #sink: SpanSink

  constructor(sink: SpanSink, { traceId, state }: Identity, start: SpanStart) {
    this.#sink = sink
    this.traceId = traceId
    this.state = state
    this.id = sink.nextSpanId()
    this.name = start.name
    this.kind = start.kind
    this.parentId = start.parentId
    this.startedAt = start.startedAt
  }

  /** A part of it, begun now or at `startedAt`. */
  child(name: string, startedAt = performance.now()): Span {
    return new Span(this.#sink, this, { name, kind: 'internal', parentId: this.id, startedAt })
  }

  /**
   * One part of it that is done piece by piece, in whatever order: from the first to the last, with their number. It ends with
   * this one.
   */
  piece(name: string, startedAt: number, endedAt: number): Span {
    this.#whole ??= this.child(name, startedAt)
    const { attributes } = this.#whole
    attributes['millwright.blocks'] = Number(attributes['millwright.blocks'] ?? 0) + 1
    this.#whole.endedAt = Math.max(this.#whole.endedAt, endedAt)
    return this.#whole
  }

  /** Once. */
  end(endedAt = performance.now()): void {
    this.#whole?.end(this.#whole.endedAt)
    this.endedAt = endedAt
    this.#sink.add(this)
  }

  /** What is handed on to whom we call. */
  get headers(): Record<string, string> {
    return headersOf({ traceId: this.traceId, spanId: this.id, isSampled: true, state: this.state })
  }
}
