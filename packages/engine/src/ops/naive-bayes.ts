import { RowError } from '../errors.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type GaussianAttrs = {
  /** classes × columns. */
  means: Float64Array
  /** classes × columns, all the same shape as `means`. */
  variances: Float64Array
  /** log P(k) and, per class, −½ Σᵢ ln(2π · variance): the part of the likelihood that no row changes. */
  logPriors: Float64Array
  logNorms: Float64Array
}

/** ln P(k) + ln P(x | k) = logPriorₖ + (logNormₖ − ½ Σᵢ (xᵢ − meanₖᵢ)² / varianceₖᵢ), one column per class. */
export const gaussianLogJoint = defineOp<GaussianAttrs>({
  name: 'gaussian-log-joint',
  infer({ means, variances, logPriors, logNorms }, [x]) {
    const { width } = expectNumbers('gaussian-log-joint', x)
    const classes = logPriors.length
    if (
      logNorms.length !== classes ||
      means.length !== classes * width ||
      variances.length !== classes * width
    )
      throw new RangeError(`gaussian-log-joint: parameters do not fit ${classes} classes of ${width} columns`)
    return numbers(classes)
  },
  ref({ means, variances, logPriors, logNorms }, [x]) {
    const row = x as readonly number[]
    return Array.from(logPriors, (logPrior, k) => {
      const terms = row.map((value, i) => (value - means[k * row.length + i]!) ** 2)
      const distance = terms.reduce((sum, term, i) => sum + term / variances[k * row.length + i]!, 0)
      return logPrior + (logNorms[k]! - 0.5 * distance)
    })
  },
  block({ means, variances, logPriors, logNorms }, [x]) {
    const { width } = x!
    const classes = logPriors.length
    return ([from], out, rows) => {
      for (let r = 0, at = 0; r < rows; r++)
        for (let k = 0, p = 0; k < classes; k++) {
          let distance = 0
          for (let i = 0; i < width; i++, p++) {
            const gap = from!.numbers[r * width + i]! - means[p]!
            distance += (gap * gap) / variances[p]!
          }
          out.numbers[at++] = logPriors[k]! + (logNorms[k]! - 0.5 * distance)
        }
    }
  },
})

type CategoricalAttrs = {
  /** Per column: classes × categories, ln P(category | class). */
  logProbabilities: readonly Float64Array[]
  logPriors: Float64Array
}

/**
 * Naive Bayes over category codes: (Σᵢ logProbabilities[i][k][xᵢ]) + logPriorₖ, codes truncated towards zero.
 * @throws RowError for a negative code and for one beyond the categories seen in training
 */
export const categoricalLogJoint = defineOp<CategoricalAttrs>({
  name: 'categorical-log-joint',
  infer({ logProbabilities, logPriors }, [x]) {
    expectNumbers('categorical-log-joint', x, logProbabilities.length)
    for (const table of logProbabilities)
      if (table.length % logPriors.length !== 0)
        throw new RangeError('categorical-log-joint: a table does not hold one row per class')
    return numbers(logPriors.length)
  },
  ref({ logProbabilities, logPriors }, [x]) {
    const classes = logPriors.length
    const codes = (x as readonly number[]).map((value, column) =>
      codeOf(value, column, logProbabilities[column]!.length / classes),
    )
    return Array.from(logPriors, (logPrior, k) => {
      const terms = codes.map((code, column) => {
        const table = logProbabilities[column]!
        return table[(k * table.length) / classes + code]!
      })
      return terms.reduce((sum, term) => sum + term, 0) + logPrior
    })
  },
  block({ logProbabilities, logPriors }) {
    const classes = logPriors.length
    const width = logProbabilities.length
    const categories = logProbabilities.map((table) => table.length / classes)
    return ([from], out, rows) => {
      out.numbers.fill(0, 0, rows * classes)
      for (let r = 0; r < rows; r++) {
        const to = r * classes
        for (let column = 0; column < width; column++) {
          const table = logProbabilities[column]!
          const count = categories[column]!
          const code = codeOf(from!.numbers[r * width + column]!, column, count)
          for (let k = 0; k < classes; k++) out.numbers[to + k]! += table[k * count + code]!
        }
        for (let k = 0; k < classes; k++) out.numbers[to + k]! += logPriors[k]!
      }
    }
  },
})

function codeOf(value: number, column: number, categories: number): number {
  const code = Math.trunc(value) + 0
  if (code < 0) throw new RowError('a category code is negative', column)
  if (!(code < categories))
    throw new RowError(
      `category code ${code} was not seen in training, the codes are 0 to ${categories - 1}`,
      column,
    )
  return code
}
