const LONGEST = 300

/**
 * What ONNX Runtime says, fit to be shown: its own sentence without paths of files (of the machine it was built on, or
 * of this one), names of functions and what cannot be printed.
 */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const words = message
    // Place and signature of a function of the runtime.
    .replace(/\S+\.(?:cc|h|hpp|cpp):\d+ .*?\)/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .split(' ')
    .filter((word) => !/[/\\]/.test(word) && !/::/.test(word))
    .join(' ')
    .trim()
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words
}
