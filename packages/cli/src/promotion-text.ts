import type { PromotionCheck, RuleResult } from '@millwright/contracts'
import type { Style } from './terminal.ts'

/** Each rule with its verdict, one a line. */
export function checkText({ results }: PromotionCheck, style: Style): string {
  const mark = ({ passed }: RuleResult): string => (passed ? style.good('✔') : style.bad('✖'))
  return results.map((result) => `${mark(result)} ${result.message}\n`).join('')
}
