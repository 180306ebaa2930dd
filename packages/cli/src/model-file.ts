import { basename } from 'node:path'
import {
  type CompiledFile,
  compileFiles,
  compileProgram,
  decodeProgram,
  type Executable,
  inputSchema,
  ModelError,
  type SchemaColumn,
} from '@millwright/engine'
import { CommandError, EXIT } from './command.ts'
import { argumentsOf, type ModelFiles, readModelFiles } from './model-parts.ts'

export type OpenModel = {
  readonly file: CompiledFile
  readonly executable: Executable
  readonly schema: readonly SchemaColumn[]
}

/** Reads the files of a model as inert data and compiles them. @throws CommandError with the refusal */
export async function openModel(files: ModelFiles): Promise<OpenModel> {
  const parts = await readModelFiles(files)
  try {
    const file = await compileFiles(parts)
    const program = decodeProgram(file.program)
    return { file, executable: compileProgram(program), schema: inputSchema(program) }
  } catch (error) {
    if (error instanceof ModelError)
      throw new CommandError(
        `${basename(files.model.path)} cannot be served: ${error.message}`,
        [`millwright inspect ${argumentsOf(files)}`],
        EXIT.failed,
      )
    throw error
  }
}
