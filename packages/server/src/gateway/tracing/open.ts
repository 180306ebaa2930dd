import type { Config } from '../../config.ts'
import type { Logger } from '../../logging.ts'
import { VERSION } from '../../version.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { createExporter } from './exporter.ts'
import { describeTraces, ENCODINGS, type Encoding } from './otlp.ts'
import { createSampler } from './sampler.ts'
import type { Attributes } from './span.ts'
import { createTracer, type Tracer } from './tracer.ts'

export type Tracing = { readonly tracer: Tracer; readonly close: () => Promise<void> }

export type TracingDeps = { readonly slot: number; readonly metrics: GatewayMetrics; readonly logger: Logger }

/** Traces as the variables of OpenTelemetry say. */
export function openTracing(config: Config, { slot, metrics, logger }: TracingDeps): Tracing {
  const resource: Attributes = {
    ...pairsOf(config.OTEL_RESOURCE_ATTRIBUTES),
    'service.name': config.OTEL_SERVICE_NAME,
    'service.version': VERSION,
    'service.instance.id': `gateway-${slot}`,
    'telemetry.sdk.name': 'millwright',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': VERSION,
  }
  const { type, encode }: Encoding = ENCODINGS[config.OTEL_EXPORTER_OTLP_PROTOCOL]
  const exporter = createExporter({
    url: urlOf(config),
    headers: pairsOf(config.OTEL_EXPORTER_OTLP_TRACES_HEADERS || config.OTEL_EXPORTER_OTLP_HEADERS),
    timeoutMs: config.OTEL_EXPORTER_OTLP_TIMEOUT,
    delayMs: config.OTEL_BSP_SCHEDULE_DELAY,
    queueSpans: config.OTEL_BSP_MAX_QUEUE_SIZE,
    batchSpans: Math.min(config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, config.OTEL_BSP_MAX_QUEUE_SIZE),
    type,
    encode: (spans) => encode(describeTraces(spans, resource, VERSION)),
    counts: metrics.spans,
    logger,
  })
  const sampler = createSampler(config.OTEL_TRACES_SAMPLER, config.OTEL_TRACES_SAMPLER_ARG)
  return { tracer: createTracer({ sampler, add: exporter.add }), close: exporter.close }
}

/** An address for traces is taken as it is; one for everything has a path for each signal. */
const urlOf = (config: Config): string =>
  config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ||
  `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`

/** `key=value,key=value`, values percent-encoded; what is none is left out. */
const pairsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const at = pair.indexOf('=')
      return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]]
    }),
  )

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
