import { execFile } from 'node:child_process'
import type { CreatedKey, CreateKey } from '@millwright/contracts'
import { CommandError } from './command.ts'

/** Makes a key in the data folder of a server that does not run: by the server's own program. @throws CommandError */
export async function createKeyOffline(folder: string, request: CreateKey): Promise<CreatedKey> {
  const launcher = process.argv[1]!
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [launcher, 'create-key', folder, JSON.stringify(request)],
      (error, text, stderr) =>
        text === '' ? reject(new CommandError(stderr.trim() || String(error))) : resolve(text),
    )
  })
  const answer = JSON.parse(stdout) as { key?: CreatedKey; error?: { message: string; hint?: string } }
  if (answer.key !== undefined) return answer.key
  const { message = 'no key was made', hint } = answer.error ?? {}
  throw new CommandError(message, hint === undefined ? [] : [hint])
}
