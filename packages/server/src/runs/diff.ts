import type { RunDiff } from '@millwright/contracts'
import type { MlflowContext } from '../mlflow/route.ts'
import { getRun, type Run } from '../tracking/runs.ts'
import { numberInJson } from './answer.ts'
import { packagesOf } from './packages.ts'

/** Tags that say which code a run ran. */
const CODE = {
  'mlflow.source.git.commit': 'commit',
  'mlflow.source.git.branch': 'branch',
  'mlflow.source.git.repoURL': 'repository',
  'mlflow.source.name': 'source',
  'mlflow.source.type': 'source type',
  'mlflow.project.entryPoint': 'entry point',
} as const

type Texts = ReadonlyMap<string, string>

/** What changed between two runs: params, data, code and packages; metrics beside each other. @throws MlflowError */
export async function diffRuns(context: MlflowContext, a: string, b: string): Promise<RunDiff> {
  const runs = [await getRun(context.db, a), await getRun(context.db, b)] as const
  const [one, other] = runs
  const params = compare(textsOf(one.params), textsOf(other.params))
  const datasets = compare(datasetsOf(one), datasetsOf(other))
  const code = compare(codeOf(one), codeOf(other))
  const packages = compare(await packagesOf(context, one), await packagesOf(context, other))
  return {
    ...{ a: { run_id: a, name: one.name }, b: { run_id: b, name: other.name } },
    ...{ params: params.differing, datasets: datasets.differing, code: code.differing },
    ...{ packages: packages.differing, metrics: metricsOf(one, other) },
    same: { params: params.same, datasets: datasets.same, code: code.same, packages: packages.same },
  }
}

function compare(a: Texts, b: Texts): { readonly differing: RunDiff['params']; readonly same: number } {
  const names = [...new Set([...a.keys(), ...b.keys()])].sort()
  const differing = names
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => ({ name, a: a.get(name) ?? null, b: b.get(name) ?? null }))
  return { differing, same: names.length - differing.length }
}

const textsOf = (pairs: readonly { readonly key: string; readonly value: string }[]): Texts =>
  new Map(pairs.map(({ key, value }) => [key, value]))

/** Digests by the name of a dataset and what it was used for; several of a name are told together. */
function datasetsOf({ datasets }: Run): Texts {
  const digests = new Map<string, string>()
  for (const { dataset, tags } of datasets) {
    const context = tags.find(({ key }) => key === 'mlflow.data.context')?.value
    const name = context === undefined ? dataset.name : `${dataset.name} (${context})`
    const before = digests.get(name)
    digests.set(name, before === undefined ? dataset.digest : [before, dataset.digest].sort().join(', '))
  }
  return digests
}

function codeOf({ tags }: Run): Texts {
  const texts = textsOf(tags)
  return new Map(
    Object.entries(CODE).flatMap(([key, name]) => {
      const value = texts.get(key)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function metricsOf(one: Run, other: Run): RunDiff['metrics'] {
  const [a, b] = [one, other].map(({ metrics }) => new Map(metrics.map(({ key, value }) => [key, value])))
  const names = [...new Set([...a!.keys(), ...b!.keys()])].sort()
  return names.map((name) => {
    const [before, after] = [a!.get(name), b!.get(name)]
    const change = (after ?? Number.NaN) - (before ?? Number.NaN)
    return {
      name,
      a: before === undefined ? null : numberInJson(before),
      b: after === undefined ? null : numberInJson(after),
      change: Number.isFinite(change) ? change : null,
    }
  })
}
