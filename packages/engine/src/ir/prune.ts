import type { Program, ProgramNode, ProgramOutput, Ref } from './program.ts'

/** Drops nodes no output reads and renumbers the rest. */
export function prune(
  nodes: readonly ProgramNode[],
  outputs: readonly ProgramOutput[],
): Pick<Program, 'nodes' | 'outputs'> {
  const live = new Set<Ref>()
  const visit = (refs: readonly Ref[]): void => {
    const stack = [...refs]
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      if (live.has(ref)) continue
      live.add(ref)
      stack.push(...nodes[ref]!.inputs)
    }
  }
  for (const output of outputs) visit(output.parts)
  const kept = [...live].sort((a, b) => a - b)
  const renumbered = new Map(kept.map((ref, i) => [ref, i]))
  const rename = (refs: readonly Ref[]) => refs.map((ref) => renumbered.get(ref)!)
  return {
    nodes: kept.map((ref) => ({ ...nodes[ref]!, inputs: rename(nodes[ref]!.inputs) })),
    outputs: outputs.map((output) => ({ ...output, parts: rename(output.parts) })),
  }
}
