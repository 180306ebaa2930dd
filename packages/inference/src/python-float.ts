const DECIMAL =
  /^[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?$/
const WORDS: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  nan: Number.NaN,
})

/** What Python's `float(text)` reads from ASCII text; undefined where it raises ValueError. */
export function parsePythonFloat(text: string): number | undefined {
  const trimmed = text.trim()
  if (DECIMAL.test(trimmed)) return Number(trimmed.includes('_') ? trimmed.replaceAll('_', '') : trimmed)
  const word = WORDS[trimmed.replace(/^[+-]/, '').toLowerCase()]
  return word !== undefined && trimmed.startsWith('-') ? -word : word
}

/** What Python's `repr(float)` writes: shortest digits, exponent below 1e-4 and from 1e16 on, `.0` for whole values. */
export function formatPythonFloat(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : `${value}`
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const digits = exponent.slice(1).padStart(2, '0')
  return `${mantissa}e${exponent[0]}${digits}`
}
