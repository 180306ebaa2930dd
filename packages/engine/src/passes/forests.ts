import { ModelError } from '../errors.ts'
import type { Method, Program, Ref } from '../ir/program.ts'
import { isolationScore } from '../ops/ensembles.ts'
import { arithmetic } from '../ops/scaling.ts'
import { type TreesAttrs, trees, treesOnto } from '../ops/trees.ts'
import { nodesBehind } from './live-nodes.ts'

/** A node of trees and how it can be cut. */
export type Forest = {
  readonly ref: Ref
  readonly attrs: TreesAttrs
  /** Trees that are added together: one per class in boosting, several where they were grown in parallel. */
  readonly step: number
  readonly iterations: number
  /** Most comparisons on the way to a leaf; undefined where trees cannot be cut short, having no inner values. */
  readonly depth: number | undefined
  /** The sum is divided by the number of iterations, here or in these nodes. */
  readonly isMean: boolean
  readonly means: readonly Ref[]
}

/** What is left of every forest of a program. */
export type Cut = {
  /** The first iterations of each forest; those that have fewer keep theirs. */
  readonly iterations: number
  /** Most comparisons on the way to a leaf; undefined: as it is. */
  readonly depth?: number | undefined
}

/** Every node of trees in a program. */
export function findForests({ nodes }: Program): Forest[] {
  return nodes.flatMap(({ op, attrs }, ref) =>
    op === trees.name || op === treesOnto.name ? [describeForest(nodes, ref, attrs as TreesAttrs)] : [],
  )
}

function describeForest(nodes: Program['nodes'], ref: Ref, attrs: TreesAttrs): Forest {
  const step = attrs.perIteration ?? periodOf(attrs.slots)
  const iterations = attrs.roots.length / step
  return {
    ref,
    attrs,
    step,
    iterations,
    depth: attrs.inner === undefined ? undefined : depthOf(attrs),
    isMean: iterations > 1 && attrs.divide === iterations,
    means: nodes.flatMap((_, reader) => (dividesBy(nodes, reader, ref, iterations) ? [reader] : [])),
  }
}

/** Length of the shortest block that the list repeats. */
function periodOf(slots: Int32Array): number {
  for (let period = 1; period < slots.length; period++)
    if (slots.length % period === 0 && slots.every((slot, i) => slot === slots[i % period])) return period
  return Math.max(1, slots.length)
}

function depthOf({ roots, feature, left, right }: TreesAttrs): number {
  let deepest = 0
  const stack: [node: number, depth: number][] = Array.from(roots, (root) => [root, 0])
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, depth] = next
    deepest = Math.max(deepest, depth)
    if (feature[node]! >= 0) stack.push([left[node]!, depth + 1], [right[node]!, depth + 1])
  }
  return deepest
}

type DivideAttrs = Parameters<typeof arithmetic.infer>[0]

/** Whether a node is the quotient of a sum of trees and their number. */
function dividesBy(nodes: Program['nodes'], reader: Ref, forest: Ref, iterations: number): boolean {
  const { op, inputs, attrs } = nodes[reader]!
  if (op !== arithmetic.name || inputs[0] !== forest || iterations < 2) return false
  const [first] = (attrs as DivideAttrs).steps
  return first?.by === 'divide' && first.values.every((value) => value === iterations)
}

/** The attributes of a quotient for another number of iterations. */
export function divideBy(attrs: DivideAttrs, iterations: number): DivideAttrs {
  const [first, ...others] = attrs.steps
  return { ...attrs, steps: [{ ...first!, values: first!.values.map(() => iterations) }, ...others] }
}

/**
 * The forests behind an answer, when cutting them means something: the answer then is that of the model as it was
 * after fewer iterations, or would be with shallower trees.
 * @throws ModelError unsupported, saying why not
 */
export function forestsBehind(program: Program, method: Method): Forest[] {
  const parts = program.outputs.find(({ name }) => name === method)?.parts ?? []
  const behind = nodesBehind(program.nodes, parts)
  const forests = findForests(program).filter(({ ref }) => behind.has(ref))
  const refuse = (reason: string, hint: string): never => {
    throw new ModelError('unsupported', reason, { hint })
  }
  if ([...behind].some((ref) => program.nodes[ref]!.op === isolationScore.name))
    refuse('an isolation forest scores by the mean depth of all its trees', 'train it again with fewer trees')
  for (const { ref } of forests) {
    const before = nodesBehind(program.nodes, program.nodes[ref]!.inputs)
    if (forests.some((other) => before.has(other.ref)))
      refuse(
        'one forest of the model reads the answers of another, which was trained on those of the whole',
        'make the inner model smaller and train the outer one on its answers',
      )
  }
  return forests
}

/** Iterations of the longest of several forests. */
export const iterationsOf = (forests: readonly Forest[]): number =>
  forests.reduce((most, { iterations }) => Math.max(most, iterations), 0)

/** The depth trees can be cut at: of the deepest tree, undefined when one of the forests cannot be cut. */
export function cutDepthOf(forests: readonly Forest[]): number | undefined {
  const depths = forests.map(({ depth }) => depth)
  return depths.some((depth) => depth === undefined)
    ? undefined
    : depths.reduce<number>((most, depth) => Math.max(most, depth!), 0)
}
