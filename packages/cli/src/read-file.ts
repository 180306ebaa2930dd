import { readFile, stat } from 'node:fs/promises'
import { CommandError } from './command.ts'

/**
 * Refuses what has no end or may never come: folders, pipes, devices.
 * @throws CommandError; the system's error when there is no such file
 */
export async function assertRegularFile(path: string): Promise<void> {
  const info = await stat(path)
  if (info.isDirectory()) throw new CommandError(`${path} is a folder; give the file in it`)
  if (!info.isFile())
    throw new CommandError(`${path} is not a regular file`, ['save what it gives to a file first'])
}

/** @throws CommandError, see assertRegularFile */
export async function readRegularFile(path: string): Promise<Buffer> {
  await assertRegularFile(path)
  return readFile(path)
}

/** Text of a file, without a byte order mark. @throws CommandError when it is not UTF-8 */
export async function readText(path: string): Promise<string> {
  const bytes = await readRegularFile(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError(`${path} is not UTF-8 text`, [`iconv -f latin1 -t utf-8 ${path} > utf8.csv`])
  }
}
