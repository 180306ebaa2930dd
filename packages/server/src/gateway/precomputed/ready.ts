import { isDeepStrictEqual } from 'node:util'
import { MillwrightError } from '@millwright/contracts/errors'
import { jsonString } from '../../json-text.ts'
import type { RoutedDeployment, RoutedPrecomputed } from '../../routing/snapshot.ts'
import type { PrecomputedMetrics } from '../metrics.ts'
import type { Reply } from '../replies.ts'
import type { KeyedAnswers } from './answers.ts'

/** Answers that stand ready, beside the version that would compute them now. */
export type Ready = {
  /** The answer to a key, stale or not. @throws MillwrightError PRECOMPUTED_NOT_FOUND, PRECOMPUTED_UNREADABLE */
  get(key: string): Promise<Reply>
  /** One that the version would give, too; undefined when there is none, or none can be read. */
  fresh(key: string): Promise<Reply | undefined>
}

export function createReady(
  routed: RoutedDeployment,
  answers: KeyedAnswers,
  metrics: PrecomputedMetrics,
  now = Date.now,
): Ready {
  const { name, model } = routed
  const precomputed = routed.precomputed!
  const computedAt = new Date(precomputed.computed_at).toISOString()
  const head = JSON.stringify({ deployment: name, model, version: precomputed.version }).slice(0, -1)
  const changed = changeSince(routed, precomputed)
  const stale = (): string | undefined => changed ?? tooOld(precomputed, now())

  const answer = (key: string, prediction: unknown, because: string | undefined): Reply => {
    const how = `"key":${jsonString(key)},"computed_at":"${computedAt}","stale":${because !== undefined}`
    const why = because === undefined ? '' : `,"because":${jsonString(because)}`
    return {
      body: `${head},"prediction":${JSON.stringify(prediction)},"precomputed":{${how}${why}}}`,
      headers: { age: String(Math.max(0, Math.floor((now() - precomputed.computed_at) / 1000))) },
    }
  }
  const find = (key: string) =>
    answers.find(key).catch((error: unknown) => {
      metrics.unreadable.value += 1
      throw error
    })
  return {
    async get(key) {
      const prediction = await find(key)
      const because = stale()
      metrics[prediction === undefined ? 'missing' : because === undefined ? 'fresh' : 'stale'].value += 1
      if (prediction === undefined) throw new MillwrightError('PRECOMPUTED_NOT_FOUND', { name, key })
      return answer(key, prediction, because)
    },
    async fresh(key) {
      if (stale() !== undefined) {
        metrics.stale.value += 1
        return undefined
      }
      try {
        const prediction = await find(key)
        metrics[prediction === undefined ? 'missing' : 'fresh'].value += 1
        return prediction && answer(key, prediction, undefined)
      } catch {
        return undefined
      }
    },
  }
}

/** What would be another answer now. */
function changeSince(
  { version, decision }: RoutedDeployment,
  computed: RoutedPrecomputed,
): string | undefined {
  if (version.number !== computed.version.number)
    return `version ${version.number} (${version.label}) serves now`
  return isDeepStrictEqual(decision, computed.decision) ? undefined : 'the decision was changed'
}

function tooOld({ computed_at, max_age }: RoutedPrecomputed, now: number): string | undefined {
  return max_age !== null && now > computed_at + max_age * 1000 ? `older than ${max_age} seconds` : undefined
}
