import type { Program, ProgramNode, ProgramOutput, Ref } from '../ir/program.ts'

/** Nodes that the given ones are computed from, themselves included. */
export function nodesBehind(nodes: readonly ProgramNode[], refs: readonly Ref[]): ReadonlySet<Ref> {
  const live = new Set<Ref>()
  const stack = [...refs]
  for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
    if (live.has(ref)) continue
    live.add(ref)
    stack.push(...nodes[ref]!.inputs)
  }
  return live
}

/** Drops nodes that no output reads and renumbers the rest. */
export function keepLiveNodes(
  nodes: readonly ProgramNode[],
  outputs: readonly ProgramOutput[],
): Pick<Program, 'nodes' | 'outputs'> {
  const live = nodesBehind(
    nodes,
    outputs.flatMap(({ parts }) => parts),
  )
  const kept = [...live].sort((a, b) => a - b)
  const renumbered = new Map(kept.map((ref, i) => [ref, i]))
  const rename = (refs: readonly Ref[]) => refs.map((ref) => renumbered.get(ref)!)
  return {
    nodes: kept.map((ref) => ({ ...nodes[ref]!, inputs: rename(nodes[ref]!.inputs) })),
    outputs: outputs.map((output) => ({ ...output, parts: rename(output.parts) })),
  }
}
