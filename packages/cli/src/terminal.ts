/** Where a command reads and writes. stdout is the result, stderr is talk. */
export type Terminal = {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** stderr is a terminal somebody looks at. */
  readonly interactive: boolean
  readonly style: Style
  readonly quiet: boolean
}

export type Style = {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
}

const paint =
  (on: boolean, code: number) =>
  (text: string): string =>
    on ? `\u001b[${code}m${text}\u001b[0m` : text

export const styleOf = (colour: boolean): Style => ({
  bold: paint(colour, 1),
  dim: paint(colour, 2),
  good: paint(colour, 32),
  bad: paint(colour, 31),
  warn: paint(colour, 33),
})

/** Colour rules of no-color.org and force-color.org. */
export function wantsColour(isTty: boolean, env: NodeJS.ProcessEnv, flags: { noColor: boolean }): boolean {
  if (flags.noColor || env.NO_COLOR || env.MILLWRIGHT_NO_COLOR || env.TERM === 'dumb') return false
  if (env.FORCE_COLOR || env.CLICOLOR_FORCE) return true
  return isTty
}

/** Columns aligned for reading; numbers are given as text. */
export function table(
  rows: readonly (readonly string[])[],
  style: Style,
  header?: readonly string[],
): string {
  const all = header === undefined ? rows : [header, ...rows]
  const widths = (all[0] ?? []).map((_, column) =>
    Math.max(...all.map((row) => visibleLength(row[column] ?? ''))),
  )
  const line = (row: readonly string[]): string =>
    row
      .map(
        (cell, column) =>
          cell + ' '.repeat(column === row.length - 1 ? 0 : widths[column]! - visibleLength(cell)),
      )
      .join('  ')
      .trimEnd()
  const body = rows.map(line)
  return `${(header === undefined ? body : [style.dim(line(header)), ...body]).join('\n')}\n`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours are made of
const COLOUR = /\u001b\[\d+m/g
const visibleLength = (text: string): number => text.replace(COLOUR, '').length

/** Control characters of names that came from elsewhere never reach the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '�')
}

/** A line that is rewritten while something takes time; silent when nobody looks or it is quick. */
export function progress(
  terminal: Terminal,
  label: string,
): { update(note: string): void; done(note?: string): void } {
  const startedAt = performance.now()
  let shown = false
  const show = (note: string): void => {
    if (!terminal.interactive || terminal.quiet || performance.now() - startedAt < 300) return
    shown = true
    terminal.stderr(`\r\u001b[2K  ${label} ${note}`)
  }
  return {
    update: show,
    done(note) {
      if (shown) terminal.stderr('\r\u001b[2K')
      if (note !== undefined && !terminal.quiet) {
        const took = ((performance.now() - startedAt) / 1000).toFixed(1)
        terminal.stderr(`${terminal.style.good('✔')} ${note} ${terminal.style.dim(`${took}s`)}\n`)
      }
    },
  }
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

export function formatAge(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000))
  const steps = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const
  for (const [size, unit] of steps) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`
  return `${seconds} s ago`
}
