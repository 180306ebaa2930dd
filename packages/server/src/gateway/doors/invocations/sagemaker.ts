import type { Exchange } from '../../exchange.ts'
import type { Params } from '../../router.ts'
import { faultAt } from '../../row-forms/columns.ts'
import { invalidFields } from '../../rows.ts'
import type { Served } from '../../served.ts'

/** Headers of SageMaker's runtime API, and what they mean here. */
const VARIANT = 'x-amzn-sagemaker-target-variant'
const MODEL = 'x-amzn-sagemaker-target-model'
const INFERENCE_ID = 'x-amzn-sagemaker-inference-id'
const CUSTOM = 'x-amzn-sagemaker-custom-attributes'

/** What SageMaker calls the only variant when nobody gave it a name. */
const ANY_VARIANT = 'AllTraffic'
/** SageMaker's own limits, in characters. */
const ID_CHARACTERS = 64
const PRINTABLE = /^[ -~]{1,1024}$/

/** A variant is a version; the model of a multi-model endpoint is a deployment. */
export function targetOf(exchange: Exchange, params: Params): Params {
  const variant = exchange.header(VARIANT)
  const name = params.name ?? exchange.header(MODEL)?.replace(/\.tar\.gz$/, '')
  return {
    ...(name !== undefined && { name }),
    ...(variant !== undefined && variant !== ANY_VARIANT && { version: variant }),
  }
}

/**
 * The caller's inference id is the id of the prediction; of several, each with its place behind it.
 * @throws MillwrightError VALIDATION_FAILED
 */
export function idsOf(exchange: Exchange, rows: number): readonly string[] | undefined {
  const id = exchange.header(INFERENCE_ID)
  if (id === undefined) return undefined
  if (id.length < 1 || id.length > ID_CHARACTERS || !PRINTABLE.test(id)) {
    const message = `${INFERENCE_ID}: expected 1 to ${ID_CHARACTERS} printable characters, got ${id.length}`
    throw invalidFields([faultAt('', 'out_of_range', message)])
  }
  return rows === 1 ? [id] : Array.from({ length: rows }, (_, row) => `${id}-${row}`)
}

/** Custom attributes go back as they came, as SageMaker's containers may send them. */
export function headersOf(exchange: Exchange, { routed }: Served): Record<string, string> {
  const custom = exchange.header(CUSTOM)
  return {
    'x-amzn-invoked-production-variant': routed.version.label,
    ...(custom !== undefined && PRINTABLE.test(custom) && { [CUSTOM]: custom }),
  }
}
