import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { type Client, ClientError } from '@millwright/client'
import { type CreateVersion, type Deployment, type ModelVersion, manifestOf } from '@millwright/contracts'
import type { FileReport } from '@millwright/engine'
import { type Command, CommandError, takeArguments, textOption } from '../command.ts'
import { type DeployPlan, planDeploy } from '../deploy-plan.ts'
import { curlOf, exampleRow } from '../example-row.ts'
import { readExpected } from '../expected.ts'
import { argumentsOf, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'
import { readRows, recordsOf } from '../rows.ts'
import { printable, progress, type Terminal } from '../terminal.ts'
import { uploadModel } from '../upload-model.ts'

const usage = `Puts a model file into production.

Usage: millwright deploy FILE|FOLDER [options]

Options:
  --name NAME        deployment and model name       (default: guessed from the file name, and said)
  --label LABEL      what answers and metrics call this version   (default: _v3 of the file name, else v1, v2 …)
${PARTS_USAGE}
  --sample ROWS      rows to try the model on before it goes live: .csv, .json, .ndjson, .parquet
  --expected FILE    what the training library answered to them: {"predict": […], "predict_proba": [[…]]},
                     or the output of another "score"; compared under the published contract
  --target COLUMN    column of the sample that is not an input
  --run ID           the run that made it, whose metrics, tags and data promotion rules ask for
  --decision JSON    business rule: {"positive":1,"threshold":0.5,"bands":[{"name":"high","above":0.7},{"name":"low"}]}
  --respond JSON     the JSON that callers of /predict expect; both also take a file
  --reason TEXT      recorded with the change
  --no-promote       register the version, leave what serves alone
  --keep             do nothing when the deployment exists already

Examples:
  millwright deploy model.pkl
  millwright deploy churn_model_v3.pkl --sample customers.csv --target churned
  millwright deploy model.pkl --after scaler.pkl --encode brand=encoders.pkl#brand
`

export const deploy: Command = {
  usage,
  options: {
    ...PARTS_OPTIONS,
    name: { type: 'string' },
    label: { type: 'string' },
    sample: { type: 'string' },
    expected: { type: 'string' },
    target: { type: 'string' },
    run: { type: 'string' },
    decision: { type: 'string' },
    respond: { type: 'string' },
    reason: { type: 'string' },
    'no-promote': { type: 'boolean' },
    keep: { type: 'boolean' },
  },
  async run({ terminal, client, url, withKey, json }, values, positionals) {
    const [path] = takeArguments(positionals, 'FILE')
    const plan = await planDeploy(path!, values)
    const existing = await findDeployment(client, plan.name)
    if (existing !== undefined && values.keep === true) {
      showTryIt(terminal, {
        url,
        withKey,
        deployment: existing,
        schema: await client.getDeploymentSchema(existing.name),
        row: undefined,
      })
      return 0
    }
    const { version, row } = await register({ client, terminal, plan })
    if (values['no-promote'] === true) {
      terminal.stdout(
        json
          ? `${JSON.stringify({ version })}\n`
          : `${url}/api/v1/models/${plan.name}/versions/${version.number}\n`,
      )
      return 0
    }
    const deployment = await goLive({
      client,
      terminal,
      plan,
      existing,
      version,
      reason: textOption(values, 'reason'),
    })
    showTryIt(terminal, { url, withKey, deployment, schema: version.schema!, row })
    terminal.stdout(
      json ? `${JSON.stringify({ deployment, version })}\n` : `${url}/predict/${deployment.name}\n`,
    )
    return 0
  },
}

async function findDeployment(client: Client, name: string): Promise<Deployment | undefined> {
  try {
    return await client.getDeployment(name)
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return undefined
    throw error
  }
}

type Work = { readonly client: Client; readonly terminal: Terminal; readonly plan: DeployPlan }
type Registered = { readonly version: ModelVersion; readonly row: ReturnType<typeof exampleRow> | undefined }

async function register({ client, terminal, plan }: Work): Promise<Registered> {
  const sample = plan.sample === undefined ? undefined : await readSample(plan)
  const upload = await uploadModel({ client, terminal }, plan.files)
  const known = sample === undefined ? undefined : await findReady(client, plan.name, digestOf(upload))
  const reading = progress(terminal, 'Reading, compiling and checking')
  reading.update('…')
  const version = await createVersion(client, plan, {
    ...upload,
    filename: basename(plan.file),
    ...(plan.label === undefined ? {} : { label: plan.label }),
    ...(sample === undefined ? {} : { sample }),
    ...(plan.run === undefined ? {} : { run_id: plan.run }),
  }).finally(() => reading.done())
  if (known === undefined) reading.done(checkLine(version))
  else warnUntried(terminal, plan, known)
  showFindings(terminal, plan, version)
  return { version, row: sample?.rows[0] }
}

/** What names the version of an upload. */
function digestOf(upload: Pick<CreateVersion, 'digest' | 'parts'>): string {
  const manifest = manifestOf(upload)
  return manifest === undefined ? upload.digest : createHash('sha256').update(manifest).digest('hex')
}

/** The version that has these bytes and was checked before: a sample is not tried on it again. */
async function findReady(client: Client, model: string, digest: string): Promise<ModelVersion | undefined> {
  try {
    const { data } = await client.listVersions(model)
    return data.find((version) => version.digest === digest && version.state === 'READY')
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return undefined
    throw error
  }
}

function warnUntried(terminal: Terminal, plan: DeployPlan, { model, number }: ModelVersion): void {
  const expected = plan.expected ?? 'ANSWERS'
  terminal.stderr(
    `${terminal.style.warn('!')} This file is ${model}@${number} already, checked when it came; the sample was not tried again\n` +
      `  hint: millwright verify ${argumentsOf(plan.files)} --sample ${plan.sample} --expected ${expected}\n`,
  )
}

/** @throws CommandError with the reason and the next step when the file is refused */
async function createVersion(client: Client, plan: DeployPlan, body: CreateVersion): Promise<ModelVersion> {
  try {
    return await client.createVersion(plan.name, body)
  } catch (error) {
    if (!(error instanceof ClientError) || error.problem?.code !== 'MODEL_REFUSED') throw error
    throw new CommandError(`${basename(plan.file)} cannot be served: ${error.message}`, [
      `millwright inspect ${argumentsOf(plan.files)}`,
      'nothing changed: what served before serves on',
    ])
  }
}

/** Rows sent for the check; more would add time, not certainty. */
const SAMPLE_ROWS = 1_000

async function readSample({ sample, target, expected }: DeployPlan) {
  const table = await readRows(sample!)
  const numeric = (value: unknown): boolean =>
    typeof value !== 'string' || (value !== '' && !Number.isNaN(Number(value)))
  const columns = table.columns.map(
    (_, i) => table.text && table.rows.every((row) => numeric(row[i]) || row[i] === ''),
  )
  const typed = {
    ...table,
    rows: table.rows
      .slice(0, SAMPLE_ROWS)
      .map((row) =>
        row.map((value, i) =>
          !table.text ? value : value === '' ? null : columns[i] ? Number(value) : value,
        ),
      ),
  }
  const rows = recordsOf(typed).map((row) => {
    if (target !== undefined) delete row[target]
    return row
  })
  return expected === undefined ? { rows } : { rows, expected: await readExpected(expected, rows.length) }
}

function checkLine(version: ModelVersion): string {
  const check = version.check as { rows?: number; mismatches?: number; sample?: { rows: number } } | null
  const boundary =
    check?.rows === undefined ? '' : `: ${check.rows} boundary rows, ${check.mismatches ?? 0} differences`
  const sample = check?.sample === undefined ? '' : `, ${check.sample.rows} rows of your sample`
  return `Read, compiled and checked${boundary}${sample}`
}

function showFindings(terminal: Terminal, plan: DeployPlan, version: ModelVersion): void {
  if (terminal.quiet) return
  const report = version.report as Partial<FileReport> | null
  const inputs = version.schema!.inputs
  const names = inputs
    .slice(0, 6)
    .map((column) => printable(column.name))
    .join(', ')
  const findings = [
    [
      'Detected',
      `${report?.library} ${report?.libraryVersion} ${report?.estimator?.split('.').at(-1)}`,
      'from the file',
    ],
    ...(report?.notes ?? []).map((note) => ['Parts', printable(note), 'from the file']),
    ...(report?.unverified ?? []).map((note) => ['Careful', printable(note), 'see millwright verify']),
    ...(report?.lineage?.changes ?? []).map((change) => ['Made by', printable(change), 'from the file']),
    ['Name', plan.name, plan.nameFrom],
    ['Version', `${version.number}, called ${version.label}`, labelFrom(plan, version)],
    [
      'Inputs',
      `${inputs.length} column${inputs.length === 1 ? '' : 's'}: ${names}${inputs.length > 6 ? ' …' : ''}`,
      'from the file',
    ],
    ['Answers', version.schema!.outputs.map((output) => output.name).join(', '), 'methods of the model'],
    ['Exactness', exactness(version.contract ?? {}), 'against the library that wrote it'],
  ]
  for (const [name, value, why] of findings)
    terminal.stderr(`  ${name!.padEnd(10)} ${value} ${terminal.style.dim(`(${why})`)}\n`)
}

/** One level for all methods, or each with those that have it. */
function exactness(contract: Readonly<Record<string, string>>): string {
  const byLevel = Object.entries(Object.groupBy(Object.keys(contract), (name) => contract[name]!))
  if (byLevel.length <= 1) return byLevel[0]?.[0] ?? 'unknown'
  return byLevel.map(([level, names]) => `${level}: ${names!.join(', ')}`).join('; ')
}

function labelFrom(plan: DeployPlan, version: ModelVersion): string {
  if (plan.label !== undefined) return 'as asked'
  return version.filename?.includes(`_${version.label}`) ? 'from the file name' : 'counted'
}

type Live = Work & {
  readonly existing: Deployment | undefined
  readonly version: ModelVersion
  readonly reason: string | undefined
}

async function goLive({ client, terminal, plan, existing, version, reason }: Live): Promise<Deployment> {
  const settings = {
    ...(plan.decision === undefined ? {} : { decision: plan.decision }),
    ...(plan.respond === undefined ? {} : { respond: plan.respond }),
    ...(reason === undefined ? {} : { reason }),
    version: version.number,
  }
  const switching = progress(terminal, 'Switching')
  switching.update('…')
  const deployment =
    existing === undefined
      ? await client.createDeployment({ name: plan.name, model: plan.name, ...settings })
      : await client.changeDeployment(plan.name, settings)
  const before = existing === undefined ? '' : `, before ${existing.name}@${existing.version.number}`
  switching.done(`Live  ${deployment.name}@${version.number} (${version.label}) takes all traffic${before}`)
  return deployment
}

type TryIt = {
  readonly url: string
  readonly withKey: boolean
  readonly deployment: Deployment
  readonly schema: Parameters<typeof exampleRow>[0]
  readonly row: ReturnType<typeof exampleRow> | undefined
}

function showTryIt(terminal: Terminal, { url, withKey, deployment, schema, row }: TryIt): void {
  if (terminal.quiet) return
  const example = { ...exampleRow(schema), ...pick(row ?? {}, schema) }
  terminal.stderr(`\nTry it:\n  ${curlOf({ url, deployment: deployment.name, withKey }, example)}\n`)
  if (deployment.revision.revision > 1)
    terminal.stderr(`Take it back:  millwright rollback ${deployment.name}\n`)
}

/** What the model reads of a row of the sample. */
const pick = (row: ReturnType<typeof exampleRow>, schema: TryIt['schema']): ReturnType<typeof exampleRow> =>
  Object.fromEntries(
    schema.inputs.flatMap(({ name }) => (row[name] === undefined ? [] : [[name, row[name]]])),
  )
