import { isNative, type MetricJson, type MetricValue } from '../metrics/families.ts'
import { NATIVE_SCHEMA, ZERO_THRESHOLD } from '../metrics/native-buckets.ts'
import { writeText } from '../metrics/scrape.ts'
import {
  double,
  field,
  int32,
  message,
  optional,
  repeated,
  sint32,
  sint64,
  string,
  uint32,
  uint64,
} from './protobuf/message.ts'
import { Writer } from './protobuf/writer.ts'

/** The messages of Prometheus' scrape format (io.prometheus.client), as far as they are written. */
const LabelPair = message('LabelPair', { name: field(1, string), value: field(2, string) })
const Single = message('Counter', { value: field(1, double) })
const Bucket = message('Bucket', { cumulative_count: field(1, uint64), upper_bound: field(2, double) })
const BucketSpan = message('BucketSpan', { offset: field(1, sint32), length: field(2, uint32) })
const Histogram = message('Histogram', {
  sample_count: field(1, uint64),
  sample_sum: field(2, double),
  bucket: repeated(3, Bucket),
  schema: field(5, sint32),
  zero_threshold: field(6, double),
  zero_count: field(7, uint64),
  positive_span: repeated(12, BucketSpan),
  positive_delta: repeated(13, sint64),
})
const Metric = message('Metric', {
  label: repeated(1, LabelPair),
  gauge: optional(2, Single),
  counter: optional(3, Single),
  histogram: optional(7, Histogram),
})
export const MetricFamily = message('MetricFamily', {
  name: field(1, string),
  help: field(2, string),
  type: field(3, int32),
  metric: repeated(4, Metric),
})
const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'

/** Who reads native buckets asks for the form that has them. */
const asksProtobuf = (accept: string): boolean =>
  accept
    .split(',')
    .some(
      (range) =>
        range.trim().startsWith('application/vnd.google.protobuf') &&
        range.includes('proto=io.prometheus.client.MetricFamily') &&
        range.includes('encoding=delimited'),
    )

/** Metrics in the form that a scraper asks for by `Accept`. */
export async function writeExposition(
  families: readonly MetricJson[],
  accept = '',
): Promise<{ readonly type: string; readonly body: string | Buffer }> {
  return asksProtobuf(accept)
    ? { type: PROTOBUF, body: writeProtobuf(families) }
    : { type: TEXT, body: await writeText(families) }
}

function writeProtobuf(families: readonly MetricJson[]): Buffer {
  const writer = new Writer()
  for (const family of families) {
    const { name, help, type } = family
    const metric = type === 'histogram' ? histogramsOf(family) : singlesOf(family)
    MetricFamily.write(writer, { name, help, type: TYPES[type], metric })
  }
  return writer.finish()
}

const labelsOf = (labels: MetricValue['labels']) =>
  Object.entries(labels).map(([name, value]) => ({ name, value: String(value) }))

const singlesOf = ({ type, values }: MetricJson) =>
  values.map(({ labels, value }) => ({
    label: labelsOf(labels),
    [type === 'counter' ? 'counter' : 'gauge']: { value },
  }))

/** The values of a histogram stand one after the other, its own labels on each. */
function histogramsOf(family: MetricJson) {
  const { name } = family
  const groups = Map.groupBy(family.values, ({ labels: { le: _le, bucket: _bucket, ...own } }) =>
    JSON.stringify(Object.entries(own).toSorted()),
  )
  return [...groups.values()].map((values) => {
    const single = (end: string) => values.find(({ metricName }) => metricName === `${name}${end}`)
    const count = single('_count')
    const buckets = values.filter(({ metricName }) => metricName === `${name}_bucket`)
    return {
      label: labelsOf(count?.labels ?? {}),
      histogram: {
        sample_count: count?.value ?? 0,
        sample_sum: single('_sum')?.value ?? 0,
        bucket: buckets.map(({ labels: { le }, value }) => ({
          cumulative_count: value,
          upper_bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
        })),
        ...nativeOf(values.filter((value) => isNative(value, family))),
      },
    }
  })
}

/** Native buckets as spans of neighbours and, in them, differences from the bucket before. */
function nativeOf(values: readonly MetricValue[]) {
  if (values.length === 0) return {}
  const zero = values.find(({ labels: { bucket } }) => bucket === 'zero')
  const filled = values
    .filter((value) => value !== zero)
    .map(({ labels: { bucket }, value }) => ({ index: Number(bucket), value }))
    .toSorted((a, b) => a.index - b.index)
  const spans: { offset: number; length: number }[] = []
  filled.forEach(({ index }, position) => {
    const expected = position === 0 ? 0 : filled[position - 1]!.index + 1
    const last = spans.at(-1)
    if (last === undefined || index !== expected) spans.push({ offset: index - expected, length: 1 })
    else last.length += 1
  })
  return {
    schema: NATIVE_SCHEMA,
    zero_threshold: ZERO_THRESHOLD,
    zero_count: zero?.value ?? 0,
    positive_span: spans,
    positive_delta: filled.map(({ value }, position) => value - (filled[position - 1]?.value ?? 0)),
  }
}
