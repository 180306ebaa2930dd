/** Cases of what is not there, and why; in the suite so that they are looked at again when it is. */
export const NOT_APPLICABLE: Readonly<Record<number, string>> = {
  23: 'no Dockerfile or other program text is generated from names or settings',
  25: 'no setting names code: versions are made of model files alone, settings of a repository are refused (S1, S14)',
  51: 'answers are not cached',
  54: 'labels cannot be sent yet',
  61: 'what is in the image, and what it depends on, is checked where it is built, not by requests',
}
