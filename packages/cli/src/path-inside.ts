import { existsSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { CommandError } from './command.ts'

/**
 * A path that a folder's settings name. The folder may come from anywhere, so nothing beside it is sent to a server, be it
 * by `..` or by a link.
 * @throws CommandError
 */
export function pathInside(folder: string, path: string): string {
  const whole = join(folder, path)
  const within = existsSync(whole)
    ? relative(realpathSync(folder), realpathSync(whole))
    : relative(folder, whole)
  if (within !== '..' && !within.startsWith('../')) return whole
  throw new CommandError(`${folder}: "${path}" lies outside of the folder`, [
    'copy it into the folder, or give the model file itself',
  ])
}
