import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Precomputed } from '@millwright/contracts'
import type { TableFile } from '../batch/job.ts'
import { type BatchModel, openDeployment } from '../batch/model.ts'
import { maxRejectsOf, type Scored, scoreFile, tableFileOf } from '../batch/score-file.ts'
import {
  type CliContext,
  type Command,
  CommandError,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { parseDuration } from '../duration.ts'
import { answerLines } from '../precompute/lines.ts'
import { formatBytes, progress } from '../terminal.ts'

const usage = `Computes answers before anyone asks, and lets the server answer with them, by key.

Usage: millwright precompute DEPLOYMENT --keys FILE --key COLUMN [options]
       millwright precompute DEPLOYMENT --remove

Options:
  --keys FILE        rows with their keys: .csv, .tsv, .ndjson, .jsonl, .parquet
  --key COLUMN       column whose values the keys are: text or whole numbers; of equal keys the last row counts
  --max-age TIME     older answers say that they are stale: 30m, 24h, 7d      (default: never)
  --rejects FILE     rows that got no answer, with the reasons (default: FILE.rejects.ndjson)
  --max-rejects N    stop with exit code 5, and change nothing, when more rows than this are rejected
  --restart          begin anew what was begun with another file or version
  --remove           answer no key beforehand any more

The rows are scored here, on all cores, with the version that serves, its decision included. Then all keys are answered
with the new answers at once, and those before are gone. The same command goes on where it was ended.

Examples:
  millwright precompute churn --keys customers.parquet --key customer_id --max-age 24h
  curl "$MILLWRIGHT_URL/api/v1/deployments/churn/precomputed/CUST_1042"
`

export const precompute: Command = {
  usage,
  options: {
    keys: { type: 'string' },
    key: { type: 'string' },
    'max-age': { type: 'string' },
    rejects: { type: 'string' },
    'max-rejects': { type: 'string' },
    restart: { type: 'boolean' },
    remove: { type: 'boolean' },
  },
  async run(context, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const { client, terminal, json } = context
    if (values.remove === true) {
      const removed = await client.removePrecomputed(name!)
      progress(terminal, '').done(`${name} answers no key beforehand any more`)
      if (json) terminal.stdout(`${JSON.stringify(removed)}\n`)
      return 0
    }
    const asked = askedOf(values)
    const computed = await computeAnswers(context, name!, asked)
    report(context, name!, computed)
    return 0
  },
}

type Asked = {
  readonly input: TableFile
  readonly key: string
  readonly maxAge: number | undefined
  readonly rejectsPath: string
  readonly maxRejects: number
  readonly restart: boolean
}

/** @throws UsageError */
function askedOf(values: Values): Asked {
  const keys = textOption(values, 'keys')
  const [key, age] = [textOption(values, 'key'), textOption(values, 'max-age')]
  const input = tableFileOf(keys, 'keys')
  if (key === undefined) throw new UsageError('missing --key COLUMN')
  const rejectsPath = resolve(textOption(values, 'rejects') ?? `${keys}.rejects.ndjson`)
  if (rejectsPath === input.path) throw new UsageError('--keys and --rejects must be two different files')
  return {
    ...{ input, key, rejectsPath },
    maxAge: age === undefined ? undefined : parseDuration(age, 'max-age'),
    maxRejects: maxRejectsOf(textOption(values, 'max-rejects')),
    restart: values.restart === true,
  }
}

type Computed = Scored & { readonly stored: Precomputed; readonly rejectsPath: string }

async function computeAnswers(context: CliContext, name: string, asked: Asked): Promise<Computed> {
  const { client, url } = context
  const before = await client.getDeployment(name)
  const model = await openDeployment(client, name)
  const { revision } = await client.getDeployment(name)
  if (revision.revision !== before.revision.revision)
    throw new CommandError(`${name} was changed while it was asked for`, ['run the command again'])
  const folder = workFolder(url, name, asked.input.path)
  if (asked.restart) await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const computedAt = await beginningIn(folder)
  const output: TableFile = { path: join(folder, 'scored.ndjson'), format: 'ndjson', separator: ',' }
  const scored = await scoreFile(context, { ...asked, model, output, name, keep: [asked.key] })
  const stored = await sendAnswers(context, name, {
    ...{ model, folder, path: output.path, outputs: scored.outputs, asked },
    ...{ revision: revision.revision, computedAt },
  })
  await rm(folder, { recursive: true })
  return { ...scored, stored, rejectsPath: asked.rejectsPath }
}

/** The same for the same work, so that it goes on after it was interrupted; nobody else can write there. */
function workFolder(url: string, name: string, path: string): string {
  const digest = createHash('sha256').update(`${url}\n${name}\n${path}`).digest('hex')
  return join(homedir(), '.cache', 'millwright', `precompute-${digest.slice(0, 16)}`)
}

/** When the work was begun, maybe by a run before. */
async function beginningIn(folder: string): Promise<string> {
  const path = join(folder, 'began')
  await writeFile(path, new Date().toISOString(), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return readFile(path, 'utf8')
}

type Sent = {
  readonly model: BatchModel
  readonly folder: string
  /** The scored file. */
  readonly path: string
  readonly outputs: Scored['outputs']
  readonly asked: Asked
  readonly revision: number
  readonly computedAt: string
}

async function sendAnswers({ client, terminal }: CliContext, name: string, sent: Sent): Promise<Precomputed> {
  const { asked, computedAt } = sent
  const bar = progress(terminal, 'Sending answers')
  const path = join(sent.folder, 'answers.ndjson')
  const columns = { key: asked.key, outputs: sent.outputs, schema: sent.model.schema }
  try {
    await pipeline(Readable.from(answerLines(sent.path, columns)), createWriteStream(path))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(error.message, ['leave the row out, or choose another --key; then add --restart'])
  }
  const bytes = (await stat(path)).size
  bar.update(formatBytes(bytes))
  const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
  const { digest } = await client.upload(body, bytes)
  const stored = await client.precompute(name, {
    ...{ upload: digest, revision: sent.revision, key: asked.key },
    computed_at: computedAt,
    ...(asked.maxAge !== undefined && { max_age: asked.maxAge }),
  })
  bar.done()
  return stored
}

function report({ terminal, json }: CliContext, name: string, computed: Computed): void {
  const { stored, rejected, rejectsPath, seconds, rows } = computed
  if (json) {
    const rejects = rejected > 0 ? rejectsPath : null
    terminal.stdout(`${JSON.stringify({ ...stored, rows, rejected, rejects, seconds })}\n`)
  }
  if (terminal.quiet) return
  const { good, warn, dim } = terminal.style
  const { number, label } = stored.version
  const twice = stored.replaced > 0 ? `, ${stored.replaced.toLocaleString('en')} came twice` : ''
  terminal.stderr(
    `${good('✔')} ${name}  ${stored.keys.toLocaleString('en')} keys are answered by @${number} (${label})${twice} ${dim(`${seconds.toFixed(1)}s`)}\n`,
  )
  if (rejected > 0)
    terminal.stderr(
      `${warn('!')} ${rejected.toLocaleString('en')} rows rejected; the reasons are in ${rejectsPath}\n`,
    )
}
