import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  type CompiledFile,
  compileFile,
  compileProgram,
  decodeProgram,
  type Executable,
  inputSchema,
  ModelError,
  type SchemaColumn,
} from '@millwright/engine'
import { CommandError, EXIT } from './command.ts'

export type OpenModel = {
  readonly file: CompiledFile
  readonly executable: Executable
  readonly schema: readonly SchemaColumn[]
}

/** Reads a model file as inert data and compiles it. @throws CommandError with the refusal */
export async function openModel(path: string): Promise<OpenModel> {
  const info = await stat(path)
  if (info.isDirectory()) throw new CommandError(`${path} is a folder; give the model file in it`)
  try {
    const file = await compileFile(await readFile(path))
    const program = decodeProgram(file.program)
    return { file, executable: compileProgram(program), schema: inputSchema(program) }
  } catch (error) {
    if (error instanceof ModelError)
      throw new CommandError(
        `${basename(path)} cannot be served: ${error.message}`,
        [`millwright inspect ${path}`],
        EXIT.failed,
      )
    throw error
  }
}
