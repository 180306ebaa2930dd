import { MOVED } from '@millwright/contracts'
import { type CliContext, EXIT } from '../command.ts'
import { printable, table } from '../terminal.ts'
import type { Tally } from './tally.ts'

/** Lines of differences that are shown to people; JSON has all. */
const SHOWN = 50

/** Counts of both sides, and what differs. @param sides their names; one: there is no other @returns the exit code */
export function tell({ terminal, json }: CliContext, tally: Tally, sides: readonly string[]): number {
  const report = tally.report()
  const { style } = terminal
  if (json) terminal.stdout(`${JSON.stringify(report)}\n`)
  else {
    const rows = MOVED.map((what) => {
      const { source, here } = report.counts[what]!
      const other = source === here ? String(here) : style.bad(String(here))
      return [what, String(source), ...(sides.length > 1 ? [other] : [])]
    })
    terminal.stdout(table(rows, style, ['', ...sides]))
    if (report.skipped_runs > 0)
      terminal.stderr(`${report.skipped_runs} runs were there whole; their files were not read again\n`)
    for (const note of report.notes.slice(0, SHOWN)) terminal.stderr(`${printable(note)}\n`)
    for (const difference of report.differences.slice(0, SHOWN))
      terminal.stderr(`${style.bad('≠')} ${printable(difference)}\n`)
  }
  return report.differences.length === 0 ? EXIT.ok : EXIT.failed
}
