import { basename } from 'node:path'
import {
  type CompiledFile,
  compileFiles,
  inputSchema,
  type LowerOptions,
  ModelError,
  type SchemaColumn,
} from '@millwright/engine'
import { openRunner, type Runner } from '@millwright/runtime'
import { CommandError, EXIT } from './command.ts'
import { argumentsOf, type ModelFiles, readModelFiles } from './model-parts.ts'

export type OpenModel = {
  readonly file: CompiledFile
  readonly runner: Runner
  readonly schema: readonly SchemaColumn[]
}

/** Reads the files of a model as inert data and makes them ready to run. @throws CommandError with the refusal */
export async function openModel(files: ModelFiles, lowering: LowerOptions = {}): Promise<OpenModel> {
  const parts = await readModelFiles(files)
  try {
    const file = await compileFiles(parts, { lowering })
    const runner = await openRunner(file.program)
    return { file, runner, schema: inputSchema(runner.program) }
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
