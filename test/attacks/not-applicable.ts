/** Cases of what is not there, and why; in the suite so that they are looked at again when it is. */
export const NOT_APPLICABLE: Readonly<Record<number, string>> = {
  54: 'true labels cannot be sent: nothing is decided by them',
  61: 'no request tells what an image is made of: package-lock.json names every dependency by version and hash; scan what you run',
  79: 'GraphQL, which goes around the rules of REST or asks many things at once: there is none',
  80: 'accounts that anybody opens, and passwords that are known, empty or weak: there are keys alone, made by administrators',
  81: 'a proxy of model providers, jobs and traces behind a second framework: there are none, and S78 asks for them',
  82: 'commands in environments, projects, recipes, templates and names of containers: none of them is read, and no shell is run',
  83: 'archives of environments that unpack outside of their folder: nothing is unpacked',
}
