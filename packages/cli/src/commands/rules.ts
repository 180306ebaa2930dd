import { type PromotionRules, parseRule, printRule } from '@millwright/contracts'
import {
  type CliContext,
  type Command,
  EXIT,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { formatAge } from '../terminal.ts'

const usage = `Shows and sets what a version must meet before an alias of its model is moved to it: by promote, by deploy, by MLflow's clients.

Usage: millwright rules show MODEL [--alias ALIAS]
       millwright rules set MODEL RULE… [--alias ALIAS] [--reason TEXT]
       millwright rules clear MODEL [--alias ALIAS] [--reason TEXT]
       millwright rules history MODEL [--alias ALIAS]

Options:
  --alias ALIAS  the alias they are of (default production)
  --reason TEXT  why, for the history

Rules:
  "roc_auc >= production + 0.002"                a metric of the version's run, against that of what serves
  "roc_auc >= 0.85 on dataset DIGEST"            … or a number; measured on that dataset
  "tag reviewed = yes"                           a tag of the version or of its run
  "self-check on 100 rows"                       answers as the library did, on as many rows of yours
  "latency p99 <= 2 ms"  "size <= 50 MB"         a row alone, as measured when the file was read; the model's files
  "schema compatible with production"            callers need not change
  "approvals 2 by ana, ben"                      by different people, none of whom made the version

Examples:
  millwright rules set churn "roc_auc >= production + 0.002" "approvals 1"
  millwright promote churn 3 --dry-run
`

type Verb = (context: CliContext, values: Values, positionals: readonly string[]) => Promise<unknown>

export const rules: Command = {
  usage,
  options: { alias: { type: 'string' }, reason: { type: 'string' } },
  async run(context, values, [verb = 'show', ...positionals]) {
    const work = VERBS[verb]
    if (work === undefined)
      throw new UsageError(`rules takes ${Object.keys(VERBS).join(', ')}, got ${JSON.stringify(verb)}`)
    const document = await work(context, values, positionals)
    if (context.json) context.terminal.stdout(`${JSON.stringify(document)}\n`)
    return EXIT.ok
  },
}

const aliasOf = (values: Values): string => textOption(values, 'alias') ?? 'production'

const VERBS: Readonly<Record<string, Verb>> = {
  async show(context, values, positionals) {
    const [model] = takeArguments(positionals, 'MODEL')
    const found = await context.client.getRules(model!, aliasOf(values))
    show(context, [found])
    return found
  },
  async set(context, values, [model, ...texts]) {
    if (model === undefined) throw new UsageError('missing MODEL')
    if (texts.length === 0) throw new UsageError('missing RULE')
    return set(context, values, model, texts)
  },
  async clear(context, values, positionals) {
    const [model] = takeArguments(positionals, 'MODEL')
    return set(context, values, model!, [])
  },
  async history(context, values, positionals) {
    const [model] = takeArguments(positionals, 'MODEL')
    const page = await context.client.listRules(model!, aliasOf(values))
    show(context, page.data)
    return page
  },
}

async function set(
  context: CliContext,
  values: Values,
  model: string,
  texts: readonly string[],
): Promise<PromotionRules> {
  const reason = textOption(values, 'reason')
  const body = { rules: texts.map(read), ...(reason === undefined ? {} : { reason }) }
  const found = await context.client.setRules(model, aliasOf(values), body)
  show(context, [found])
  return found
}

/** @throws UsageError */
function read(text: string) {
  try {
    return parseRule(text)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Rules on stdout as they are written, the rest on stderr. */
function show({ terminal, json }: CliContext, revisions: readonly PromotionRules[]): void {
  if (json) return
  for (const { model, alias, revision, rules: all, by, reason, at } of revisions) {
    const set = at === null ? 'never set' : `revision ${revision}, ${formatAge(at)} by ${by}`
    if (!terminal.quiet) terminal.stderr(`${model} ${alias}  ${set}${reason === null ? '' : `: ${reason}`}\n`)
    terminal.stdout(all.map((rule) => `${printRule(rule)}\n`).join(''))
  }
}
