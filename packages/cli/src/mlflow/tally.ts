/** What is told of when something was moved, in this order. */
export const COUNTED = [
  ...(['experiments', 'runs', 'metrics', 'params', 'tags', 'logged models', 'models'] as const),
  ...(['versions', 'aliases', 'files', 'bytes'] as const),
] as const
type Counted = (typeof COUNTED)[number]

/** Counts of both sides as they are compared. */
export type Tally = ReturnType<typeof createTally>

export function createTally() {
  const counts = new Map(COUNTED.map((what) => [what, { source: 0, here: 0 }]))
  const differences: string[] = []
  const notes: string[] = []
  let skipped = 0
  return {
    add(what: Counted, source: number, here: number): void {
      const count = counts.get(what)!
      count.source += source
      count.here += here
    },
    of: (what: Counted): number => counts.get(what)!.source,
    differ: (text: string): void => void differences.push(text),
    note: (text: string): void => void notes.push(text),
    /** A run that was whole before. */
    skip: (): void => void skipped++,
    report: () => ({ counts: Object.fromEntries(counts), skipped_runs: skipped, differences, notes }),
  }
}
