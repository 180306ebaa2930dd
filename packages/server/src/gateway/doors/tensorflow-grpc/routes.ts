import { MillwrightError } from '@millwright/contracts/errors'
import type { DoorRequest } from '../../door.ts'
import { type GrpcRoute, predictRoute, readRoute } from '../../grpc/route.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import { invalidFields } from '../../rows.ts'
import type { Served } from '../../served.ts'
import { selectServed } from '../../serving-table.ts'
import { assertInputs, parseOutputs } from '../../tensors/asked.ts'
import { inferTensors, type OutputTensor } from '../../tensors/infer.ts'
import { nameOutputs } from '../../tensors/named.ts'
import { rowsOfTensors } from '../../tensors/rows.ts'
import { describeModel } from '../v2/metadata.ts'
import { MODEL, ModelState, PREDICTION, type PredictRequest, SignatureDefMap } from './messages.ts'
import { dtypeOf, parseTensor, shapeOf, writeTensor } from './tensors.ts'

type Request = ReturnType<typeof PredictRequest.decode>
type Spec = Request['model_spec']

const SIGNATURE = 'serving_default'
const METHOD = 'tensorflow/serving/predict'

/** TensorFlow Serving's PredictionService and ModelService: Predict, metadata and status. */
export function tensorflowGrpcRoutes(deps: RouteDeps): GrpcRoute[] {
  const refuse = (
    rpc: (typeof PREDICTION)['Classify' | 'Regress' | 'MultiInference'],
    what: string,
  ): GrpcRoute =>
    readRoute(deps, rpc, 'predict', () => {
      throw new MillwrightError('NOT_SUPPORTED', {
        what,
        instead: 'call Predict with one tensor for each column',
      })
    })
  const find = (spec: Spec): Served => selectServed(deps.table(), paramsOf(spec))
  return [
    predictRoute(deps, PREDICTION.Predict, {
      paramsOf: ({ model_spec }) => paramsOf(model_spec),
      answer: (served, message, request) => predict(deps, served, { message, request }),
    }),
    readRoute(deps, PREDICTION.GetModelMetadata, 'read', ({ model_spec, metadata_field }) => {
      const unknown = metadata_field.find((name) => name !== 'signature_def')
      if (unknown !== undefined) throw unexpected('metadata_field', 'signature_def', unknown)
      return metadataOf(find(model_spec))
    }),
    refuse(PREDICTION.Classify, 'Classify'),
    refuse(PREDICTION.Regress, 'Regress'),
    refuse(PREDICTION.MultiInference, 'MultiInference'),
    readRoute(deps, MODEL.GetModelStatus, 'read', ({ model_spec }) => ({
      model_version_status: [
        {
          version: find(model_spec).routed.version.number,
          state: ModelState.values.AVAILABLE!,
          status: {},
        },
      ],
    })),
    readRoute(deps, MODEL.HandleReloadConfigRequest, 'deploy', () => {
      throw new MillwrightError('NOT_SUPPORTED', {
        what: 'reloading a configuration',
        instead: 'deploy models with `millwright deploy`',
      })
    }),
  ]
}

function paramsOf(spec: Spec): Params {
  const version = spec?.version === undefined ? spec?.version_label : String(spec.version.value)
  const name = spec?.name ?? ''
  return version === undefined ? { name } : { name, version }
}

const unexpected = (field: string, expected: string, got: string) =>
  invalidFields([
    {
      pointer: `/${field}`,
      code: 'unknown_value',
      message: `${field}: expected ${expected}, got "${got.slice(0, 128)}"`,
    },
  ])

type Asked = { readonly message: Request; readonly request: DoorRequest }

function predict(deps: RouteDeps, served: Served, { message, request }: Asked) {
  const { model_spec: spec, inputs, output_filter: filter } = message
  if (spec !== undefined && spec.signature_name !== '' && spec.signature_name !== SIGNATURE)
    throw unexpected('signature_name', SIGNATURE, spec.signature_name)
  const tensors = Array.from(inputs, ([name, proto]) => parseTensor(name, proto))
  assertInputs(tensors, deps.limits.tensors)
  const rows = rowsOfTensors(tensors, served.readers.tensor.names)
  const asked = parseOutputs(
    served,
    filter.map((name) => ({ name })),
  )
  const outputs = [...new Set(asked.map(({ method }) => method))]
  const { exchange, startedAt, signal } = request
  const answer = (answered: readonly OutputTensor[]) => ({
    model_spec: specOf(served),
    outputs: new Map(
      nameOutputs(served, asked, answered).map(({ tensor }) => [tensor.name, writeTensor(tensor)]),
    ),
  })
  const watched = signal ?? (rows.count > served.nowRows ? exchange.gone() : undefined)
  const { id: requestId, span } = exchange
  const inference = { rows, outputs, requestId, startedAt, signal: watched, span }
  const answered = inferTensors(deps, served, inference)
  return answered instanceof Promise ? answered.then(answer) : answer(answered)
}

const specOf = ({ routed }: Served) => ({
  name: routed.name,
  version: { value: routed.version.number },
  signature_name: SIGNATURE,
})

function metadataOf(served: Served) {
  const { inputs, outputs } = describeModel(served)
  const infos = (tensors: typeof inputs) =>
    new Map(
      tensors.map(({ name, datatype, shape }) => [
        name,
        { name: `${name}:0`, dtype: dtypeOf(datatype), tensor_shape: shapeOf(shape) },
      ]),
    )
  const signature = { inputs: infos(inputs), outputs: infos(outputs), method_name: METHOD }
  const value = SignatureDefMap.encode({ signature_def: new Map([[SIGNATURE, signature]]) })
  const type_url = 'type.googleapis.com/tensorflow.serving.SignatureDefMap'
  return { model_spec: specOf(served), metadata: new Map([['signature_def', { type_url, value }]]) }
}
