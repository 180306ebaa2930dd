import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type {
  CopyDone,
  CopyFailed,
  CopyLine,
  CopyProgress,
  CopyRequest,
} from '@millwright/contracts/database-copy'

/** Copies by the server's own program, which is told on stdin: an address may hold a password. */
export async function copyOffline(
  request: CopyRequest,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopyDone | CopyFailed> {
  const child = spawn(process.execPath, [process.argv[1]!, 'copy-database'], { stdio: 'pipe' })
  // One that ended before it read says why in its own words.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(request))
  const talk = text(child.stderr)
  let answer: CopyDone | CopyFailed | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const { progress, done, error } = JSON.parse(line) as CopyLine
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
