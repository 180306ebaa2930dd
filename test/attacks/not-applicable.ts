/** Cases of what is not there, and why; in the suite so that they are looked at again when it is. */
export const NOT_APPLICABLE: Readonly<Record<number, string>> = {
  54: 'true labels cannot be sent: nothing is decided by them',
  61: 'no request tells what an image is made of: package-lock.json names every dependency by version and hash; scan what you run',
  79: 'there is none',
  80: 'there are keys alone, made by administrators',
  81: 'there are none; asked for without a key, they are 401 (S78)',
  82: 'none of them is read, and no shell is run',
  83: 'nothing is unpacked',
}
