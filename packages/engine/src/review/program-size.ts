import type { Attr, Program } from '../ir/program.ts'

/** How much a program holds. */
export type ProgramSize = {
  readonly nodes: number
  /** Trees of all forests together. */
  readonly trees: number
  /** Numbers it holds: thresholds, leaves, weights, vocabularies' weights … */
  readonly numbers: number
}

export function programSize({ nodes }: Program): ProgramSize {
  const sum = (of: (node: Program['nodes'][number]) => number): number =>
    nodes.reduce((total, node) => total + of(node), 0)
  return {
    nodes: nodes.length,
    trees: sum(({ attrs }) => (attrs.roots instanceof Int32Array ? attrs.roots.length : 0)),
    numbers: sum(({ attrs }) => numbersIn(attrs)),
  }
}

function numbersIn(value: Attr | undefined): number {
  if (ArrayBuffer.isView(value)) return (value as Float64Array).length
  if (typeof value === 'number') return 1
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce((total: number, item) => total + numbersIn(item as Attr), 0)
}
