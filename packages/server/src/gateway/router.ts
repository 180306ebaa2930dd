/** Longest name in a path. */
const NAME_CHARACTERS = 128
const NAME = ':name'

export type Match<T> = { readonly target: T; readonly name: string | undefined }

/**
 * Finds what a path stands for. Patterns are paths, some with a `:name` in them: `/predict/:name`. A handful of them,
 * compared segment by segment; doubled slashes count once. Query and fragment are no part of the path.
 */
export function createRouter<T>(
  routes: readonly (readonly [pattern: string, target: T])[],
): (url: string) => Match<T> | undefined {
  const patterns = routes.map(([pattern, target]) => ({ segments: pattern.split('/'), target }))
  const constant = new Map(routes.map(([pattern, target]) => [pattern, { target, name: undefined }]))
  return (url) => {
    const known = constant.get(url)
    if (known !== undefined) return known
    const segments = segmentsOf(url)
    for (const { segments: pattern, target } of patterns) {
      const name = matchSegments(pattern, segments)
      if (name !== false) return { target, name }
    }
    return undefined
  }
}

/** @throws URIError for a malformed percent-encoding */
function segmentsOf(url: string): string[] {
  const end = url.search(/[?#]/)
  const path = (end === -1 ? url : url.slice(0, end)).replace(/\/{2,}/g, '/')
  const segments = path.split('/')
  return path.includes('%') ? segments.map(decodeURIComponent) : segments
}

/** @returns what stands for `:name`, undefined without one, false when the path is another */
function matchSegments(pattern: readonly string[], segments: readonly string[]): string | undefined | false {
  if (pattern.length !== segments.length) return false
  let name: string | undefined
  for (let index = 0; index < pattern.length; index++) {
    const segment = segments[index]!
    if (pattern[index] === NAME && segment.length <= NAME_CHARACTERS) name = segment
    else if (pattern[index] !== segment) return false
  }
  return name
}
