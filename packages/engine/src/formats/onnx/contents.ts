import { ModelError } from '../../errors.ts'
import type { Message } from './wire.ts'

/** Domains of operators that ONNX Runtime has of itself. */
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft'])
const STANDARD: ReadonlySet<string> = new Set(['', 'ai.onnx'])
const EXTERNAL = 1

type Graph = Message<'graph'>
type Sparse = Message<'sparseTensor'>
type Tensor = Message<'tensor'>

/** What a graph or the body of a function is made of. */
type Body = Pick<Graph, 'nodes' | 'initializers' | 'sparseInitializers'> & {
  readonly attributes: readonly Message<'attribute'>[]
}

/** Every graph of a model and the body of every function, with those inside their nodes. */
function* bodiesOf({ graph, training, functions }: Message<'model'>): Generator<Body> {
  const graphs = training.flatMap(({ initialization, algorithm }) => [...initialization, ...algorithm])
  for (const outer of [...graph, ...graphs]) yield* withInner(outer)
  for (const { nodes, attributes } of functions)
    yield* withInner({ nodes, initializers: [], sparseInitializers: [] }, attributes)
}

function* withInner(graph: Omit<Body, 'attributes'>, defaults: Body['attributes'] = []): Generator<Body> {
  const attributes = [...graph.nodes.flatMap((node) => node.attributes), ...defaults]
  yield { ...graph, attributes }
  for (const { graph, graphs } of attributes)
    for (const inner of [...graph, ...graphs]) yield* withInner(inner)
}

const tensorsOf = ({ initializers, sparseInitializers, attributes }: Body): Tensor[] => [
  ...initializers,
  ...sparseInitializers.flatMap(tensorsOfSparse),
  ...attributes.flatMap(({ tensor, tensors }) => [...tensor, ...tensors]),
  ...attributes.flatMap(({ sparseTensor, sparseTensors }) =>
    [...sparseTensor, ...sparseTensors].flatMap(tensorsOfSparse),
  ),
]

const tensorsOfSparse = ({ values, indices }: Sparse): Tensor[] => [...values, ...indices]

/**
 * Refuses a model that needs anything besides its own bytes.
 * @throws ModelError hostile for weights in other files, whatever path they name; unsupported for operators of others
 */
export function assertSelfContained(model: Message<'model'>): void {
  const own = new Set(model.functions.map(({ domain, name }) => `${domain[0] ?? ''}.${name[0] ?? ''}`))
  for (const body of bodiesOf(model)) {
    if (tensorsOf(body).some(isExternal))
      throw new ModelError('hostile', 'the weights of the model lie in another file', {
        hint: 'save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)',
      })
    for (const {
      domain: [domain = ''],
      operator: [operator = ''],
    } of body.nodes)
      if (!DOMAINS.has(domain) && !own.has(`${domain}.${operator}`))
        throw new ModelError(
          'unsupported',
          `the operator ${shown(`${domain}.${operator}`)} is an extension of ONNX`,
          {
            hint: 'export the model with the operators of ONNX, or do this step before the model',
          },
        )
  }
}

const shown = (name: string): string => (name.length > 100 ? `${name.slice(0, 100)}…` : name)

const isExternal = ({ location, externalData }: Tensor): boolean =>
  externalData.length > 0 || location.includes(EXTERNAL)

/** Names of all operators, sorted. */
export function operatorsOf(model: Message<'model'>): string[] {
  const names = new Set<string>()
  for (const { nodes } of bodiesOf(model))
    for (const {
      domain: [domain = ''],
      operator: [operator = ''],
    } of nodes)
      names.add(STANDARD.has(domain) ? operator : `${domain}.${operator}`)
  return [...names].sort()
}
