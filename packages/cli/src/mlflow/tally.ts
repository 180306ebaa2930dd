import { MOVED } from '@millwright/contracts'

type Counted = (typeof MOVED)[number]

/** Counts of both sides as they are compared. */
export type Tally = ReturnType<typeof createTally>

export function createTally() {
  const counts = new Map(MOVED.map((what) => [what, { source: 0, here: 0 }]))
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
    report: () => ({
      counts: Object.fromEntries(counts) as Record<Counted, { source: number; here: number }>,
      skipped_runs: skipped,
      differences,
      notes,
    }),
  }
}
