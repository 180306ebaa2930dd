/** `churn_model_v3.pkl` → `v3`. */
export function labelOfFilename(filename: string | undefined): string | undefined {
  const found = /[-_]v(\d{1,9})(?:\.[^/]*)?$/i.exec(filename ?? '')
  return found === null ? undefined : `v${found[1]}`
}

/** The label of a new version: the first of the wish, the file's own and `v{number}` that is free in this model. */
export function chooseLabel(
  version: {
    readonly label?: string | undefined
    readonly filename?: string | undefined
    readonly number: number
  },
  taken: ReadonlySet<string>,
): string {
  const plain = `v${version.number}`
  const wishes = [version.label, labelOfFilename(version.filename), plain]
  const free = wishes.find((label) => label !== undefined && !taken.has(label))
  if (free !== undefined) return free
  let suffix = 2
  while (taken.has(`${plain}-${suffix}`)) suffix += 1
  return `${plain}-${suffix}`
}
