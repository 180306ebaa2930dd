/** Longest name in a path. */
const NAME_CHARACTERS = 128

/** What stands for the `{…}` of a pattern. */
export type Params = {
  readonly name?: string
  readonly version?: string
  readonly label?: string
  readonly key?: string
  /** Version of the API; of the route, not of a pattern. */
  readonly pin?: string
}
type ParamName = Exclude<keyof Params, 'pin'>

export type Match<T> = { readonly target: T; readonly params: Params }

/** A part of a pattern between slashes: text, or a name with text behind it: `{name}:predict`. */
type Segment = { readonly param: ParamName | undefined; readonly text: string }
type Pattern<T> = { readonly segments: readonly Segment[]; readonly target: T }

const NO_PARAMS: Params = {}
const PARAM = /^\{(name|version|label|key)\}(.*)$/

/**
 * Finds what a path stands for. Patterns are paths with names in them, `/v1/models/{name}:predict`, and the first that
 * fits counts. Doubled slashes count once; query and fragment are no part of the path.
 */
export function createRouter<T>(
  routes: readonly (readonly [pattern: string, target: T])[],
): (url: string) => Match<T> | undefined {
  const byLength = Map.groupBy(
    routes.map(
      ([pattern, target]): Pattern<T> => ({ segments: pattern.split('/').map(parseSegment), target }),
    ),
    ({ segments }) => segments.length,
  )
  const constant = new Map(routes.map(([pattern, target]) => [pattern, { target, params: NO_PARAMS }]))
  return (url) => {
    const known = constant.get(url)
    if (known !== undefined) return known
    const segments = segmentsOf(url)
    for (const { segments: pattern, target } of byLength.get(segments.length) ?? []) {
      const params = matchSegments(pattern, segments)
      if (params !== undefined) return { target, params }
    }
    return undefined
  }
}

function parseSegment(text: string): Segment {
  const [, param, rest] = PARAM.exec(text) ?? []
  return param === undefined ? { param, text } : { param: param as ParamName, text: rest! }
}

/** @throws URIError for a malformed percent-encoding */
function segmentsOf(url: string): string[] {
  const end = url.search(/[?#]/)
  const path = (end === -1 ? url : url.slice(0, end)).replace(/\/{2,}/g, '/')
  const segments = path.split('/')
  return path.includes('%') ? segments.map(decodeURIComponent) : segments
}

function matchSegments(pattern: readonly Segment[], segments: readonly string[]): Params | undefined {
  let params: Params = NO_PARAMS
  for (let index = 0; index < pattern.length; index++) {
    const { param, text } = pattern[index]!
    const segment = segments[index]!
    if (param === undefined) {
      if (segment !== text) return undefined
      continue
    }
    const length = segment.length - text.length
    if (length < 0 || length > NAME_CHARACTERS || !segment.endsWith(text)) return undefined
    params = { ...params, [param]: segment.slice(0, length) }
  }
  return params
}
