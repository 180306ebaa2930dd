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
import { readRegularFile } from './read-file.ts'

export type OpenModel = {
  readonly file: CompiledFile
  readonly executable: Executable
  readonly schema: readonly SchemaColumn[]
}

/** Reads a model file as inert data and compiles it. @throws CommandError with the refusal */
export async function openModel(path: string): Promise<OpenModel> {
  const bytes = await readRegularFile(path)
  try {
    const file = await compileFile(bytes)
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
