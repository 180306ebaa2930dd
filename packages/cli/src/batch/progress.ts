import type { Terminal } from '../terminal.ts'

/** How often the line is written anew where somebody looks, and how often one is written where nobody does. */
const LOOK_MS = 200
const LOG_MS = 30_000

export type Watch = {
  /** @param share of the input that is done, 0 to 1 */
  update(rows: number, share: number): void
  writing(): void
  /** @returns seconds since the start */
  done(): number
}

/** Says on stderr how far a batch is. */
export function watchBatch({ stderr, interactive, quiet }: Terminal, name: string): Watch {
  const startedAt = performance.now()
  let saidAt = startedAt
  let first: { readonly rows: number; readonly share: number; readonly at: number } | undefined
  const say = (text: string): void => {
    saidAt = performance.now()
    if (quiet) return
    stderr(interactive ? `\r\u001b[2K  ${name} ${text}` : `${name} ${text}\n`)
  }
  return {
    update(rows, share) {
      const now = performance.now()
      first ??= { rows, share, at: now }
      if (now - saidAt < (interactive ? LOOK_MS : LOG_MS)) return
      const seconds = (now - first.at) / 1000
      const perSecond = Math.round((rows - first.rows) / seconds)
      const left = ((1 - share) / (share - first.share)) * seconds
      const eta = Number.isFinite(left) ? `, ${durationOf(left)} left` : ''
      say(
        `${(share * 100).toFixed(0)}%  ${rows.toLocaleString('en')} rows, ${perSecond.toLocaleString('en')} rows/s${eta}`,
      )
    },
    writing() {
      if (interactive) say('writing the file')
    },
    done() {
      if (interactive && !quiet) stderr('\r\u001b[2K')
      return (performance.now() - startedAt) / 1000
    },
  }
}

function durationOf(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  return whole < 3600 ? `${Math.ceil(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`
}
