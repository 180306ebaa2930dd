import { createHash } from 'node:crypto'
import { manifestOf } from '@millwright/contracts'
import {
  allOutputs,
  compileFiles,
  contractOf,
  inputSchema,
  ModelError,
  type ModelParts,
  programDigest,
  type Reviewed,
} from '@millwright/engine'
import { openRunner } from '@millwright/runtime'
import { type ModelFiles, pathsOf, readModelFiles, versionPartsOf } from './model-parts.ts'

/** What is known of the files of a model, or why they cannot be served. */
export type Finding = Served | Refused
export type Served = Awaited<ReturnType<typeof examineServable>>
export type Refused = ReturnType<typeof refused>

/** Reads, compiles and checks the files of a model; its runner is the caller's to close. @throws CommandError for what is not a regular file */
export async function examine(files: ModelFiles): Promise<Finding> {
  const parts = await readModelFiles(files)
  try {
    return await examineServable(parts, digestOf(files, parts))
  } catch (error) {
    if (error instanceof ModelError) return refused(error)
    throw error
  }
}

/** Spent on warming up, on single rows and on batches. */
const LATENCY_MS = 50

async function examineServable(parts: ModelParts, digest: string) {
  const { program: encoded, report } = await compileFiles(parts)
  const runner = await openRunner(encoded)
  const { program } = runner
  const check = await runner.check()
  const inputs = inputSchema(program)
  const outputs = allOutputs(program)
  const { classes } = program
  const contract = contractOf(program) as Record<string, string>
  const reviewed: Reviewed = {
    digest,
    report,
    columns: inputs,
    outputs,
    classes,
    contract,
    latency: await runner.latency(LATENCY_MS),
  }
  const shown = {
    ...report,
    digest,
    program_digest: programDigest(encoded),
    inputs,
    outputs,
    classes,
    contract,
    check,
  }
  return { servable: true as const, shown, reviewed, runner }
}

function refused(error: ModelError) {
  const { kind, path, message, hint } = error
  /** What was learnt before the refusal. */
  const report = (error as { report?: Record<string, unknown> }).report ?? null
  return { servable: false as const, shown: { kind, path, reason: message, hint: hint ?? null, report } }
}

const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')

/** The digest that the server gives a version of these files. */
function digestOf(files: ModelFiles, parts: ModelParts): string {
  const contents = [parts.model, ...(parts.after ?? []), ...(parts.encode ?? [])]
  const names = [files.model, ...files.after, ...files.encode].map(({ path }) => path)
  const digests = new Map(pathsOf(files).map((path) => [path, sha256(contents[names.indexOf(path)]!.bytes)]))
  const version = versionPartsOf(files, digests)
  const manifest = manifestOf(version)
  return manifest === undefined ? version.digest : sha256(manifest)
}
