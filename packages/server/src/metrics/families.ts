import { createNativeBuckets } from './native-buckets.ts'

/** A metric as prom-client's `getMetricsAsJSON` gives it, so that its aggregation and text form apply. */
export type MetricJson = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly aggregator: 'sum' | 'max' | 'first'
  readonly values: readonly MetricValue[]
}
type Labels = Readonly<Record<string, string | number>>
export type MetricValue = { readonly value: number; readonly labels: Labels; readonly metricName?: string }

/** A number that the hot path adds to with `value += 1`: prom-client hashes labels at every step. */
export type Counter = { value: number }
export type Histogram = {
  observe(value: number): void
  /** What was observed so far. */
  total(): Total
}
export type Total = { readonly count: number; readonly sum: number }

/** A family of metrics with the same labels; `toJson` is called at every scrape. */
export type Family = { readonly labels: readonly string[]; toJson(): MetricJson }

type Description = { readonly name: string; readonly help: string; readonly labels?: readonly string[] }

export type CounterFamily = Family & { with(...values: readonly string[]): Counter }

export function counterFamily({ name, help, labels = [] }: Description): CounterFamily {
  const children = new Children<Counter>(labels, () => ({ value: 0 }))
  return {
    labels,
    with: (...values) => children.get(values),
    toJson: () => ({
      name,
      help,
      type: 'counter',
      aggregator: 'sum',
      values: children.map((child, own) => [{ value: child.value, labels: own }]),
    }),
  }
}

/** A number asked for when it is scraped. */
export function gauge(
  { name, help }: Description,
  aggregator: MetricJson['aggregator'],
  read: () => number,
): Family {
  return {
    labels: [],
    toJson: () => ({ name, help, type: 'gauge', aggregator, values: [{ value: read(), labels: {} }] }),
  }
}

export type HistogramFamily = Family & { with(...values: readonly string[]): Histogram }
type HistogramDescription = Description & {
  /** Counts in native buckets, too. */
  readonly native?: boolean
}

/** Of a native bucket's value, which no text form has. */
const NATIVE = '_native'

/** @param edges upper edges of the buckets, ascending, without +Inf; a value on an edge is inside */
export function histogramFamily(
  { name, help, labels = [], native = false }: HistogramDescription,
  edges: readonly number[],
): HistogramFamily {
  const children = new Children(labels, () => createHistogram(edges, native))
  return {
    labels,
    with: (...values) => children.get(values),
    toJson: () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: children.map((child, own) => child.values(name, own)),
    }),
  }
}

/** A value of a native bucket, with its index, or `zero`, as the label `bucket`. */
export const isNative = ({ metricName }: MetricValue, { name }: MetricJson): boolean =>
  metricName === `${name}${NATIVE}`

function createHistogram(edges: readonly number[], isNative: boolean) {
  const counts = new Float64Array(edges.length + 1)
  const native = isNative ? createNativeBuckets() : undefined
  let sum = 0
  return {
    observe(value: number): void {
      let bucket = 0
      while (bucket < edges.length && value > edges[bucket]!) bucket += 1
      counts[bucket]! += 1
      sum += value
      native?.observe(value)
    },
    total: () => ({ count: counts.reduce((total, count) => total + count, 0), sum }),
    values(name: string, labels: Labels): MetricValue[] {
      let total = 0
      const buckets = Array.from(counts, (count, index) => {
        total += count
        return {
          metricName: `${name}_bucket`,
          value: total,
          labels: { le: edges[index] ?? '+Inf', ...labels },
        }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, value: sum, labels },
        { metricName: `${name}_count`, value: total, labels },
        ...(native?.filled() ?? []).map(([bucket, value]) => ({
          metricName: `${name}${NATIVE}`,
          value,
          labels: { bucket, ...labels },
        })),
      ]
    },
  }
}

class Children<T> {
  readonly #names: readonly string[]
  readonly #create: () => T
  readonly #children = new Map<string, { child: T; labels: Labels }>()

  constructor(names: readonly string[], create: () => T) {
    this.#names = names
    this.#create = create
  }

  get(values: readonly string[]): T {
    const key = JSON.stringify(values)
    const found = this.#children.get(key)
    if (found !== undefined) return found.child
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']))
    const child = this.#create()
    this.#children.set(key, { child, labels })
    return child
  }

  map(values: (child: T, labels: Labels) => MetricValue[]): MetricValue[] {
    return [...this.#children.values()].flatMap(({ child, labels }) => values(child, labels))
  }
}
