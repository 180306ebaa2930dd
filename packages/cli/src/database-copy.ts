import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

export type CopyRequest = {
  readonly data?: string
  readonly to?: string
  readonly dry_run: boolean
}

type Side = { readonly rows: number; readonly digest: string }
export type CopiedTable = { readonly table: string; readonly source: Side; readonly target: Side }
export type CountedTable = { readonly table: string; readonly rows: number }

export type Progress = {
  readonly stage: 'copying' | 'comparing'
  readonly table: string
  readonly rows: number
  readonly of: number
}

type Places = { readonly from: string; readonly to: string }
export type Done = Places &
  (
    | { readonly dry_run: true; readonly tables: readonly CountedTable[] }
    | { readonly dry_run: false; readonly tables: readonly CopiedTable[] }
  )
export type Failed = {
  readonly message: string
  readonly hint?: string
  readonly exitCode: number
  /** Both sides were read, and are not the same. */
  readonly tables?: readonly CopiedTable[]
}

type Line = { readonly progress?: Progress; readonly done?: Done; readonly error?: Failed }

/** Copies by the server's own program, which is told on stdin: an address may hold a password. */
export async function copyOffline(
  request: CopyRequest,
  onProgress: (progress: Progress) => void,
): Promise<Done | Failed> {
  const child = spawn(process.execPath, [process.argv[1]!, 'copy-database'], { stdio: 'pipe' })
  // One that ended before it read says why in its own words.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(request))
  const talk = text(child.stderr)
  let answer: Done | Failed | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const { progress, done, error } = JSON.parse(line) as Line
    if (progress !== undefined) onProgress(progress)
    answer = done ?? error ?? answer
  }
  return (
    answer ?? {
      message: (await talk).trim() || 'the copy ended before it was done; nothing was kept',
      exitCode: 1,
    }
  )
}
