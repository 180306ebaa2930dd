/** Cases of what is not there, and why; in the suite so that they are looked at again when it is. */
export const NOT_APPLICABLE: Readonly<Record<number, string>> = {
  54: 'true labels cannot be sent: nothing is decided by them',
  61: 'no request tells what an image is made of: package-lock.json names every dependency by version and hash; scan what you run',
}
