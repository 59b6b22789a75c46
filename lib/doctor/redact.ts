/** Takes out of a text what must not be pasted where others read it: home folder, names of user and host, passwords. */
import { hostname, userInfo } from 'node:os'

type Person = { home: string; user: string; host: string }

function here(): Person {
  const { HOME, USER } = process.env
  try {
    const { homedir, username } = userInfo()
    return { home: HOME || homedir, user: username, host: hostname() }
  } catch {
    // A user without an entry in passwd.
    return { home: HOME ?? '', user: USER ?? '', host: hostname() }
  }
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `text` is a word of its own; in "superuser" there is no "user". */
const wholeWord = (word: string): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])${literally(word)}(?![\\p{L}\\p{N}])`, 'gu')

/** The text without what is private. */
export function redact(text: string, { home, user, host }: Person = here()): string {
  let clean = text.replace(/\/\/[^/\s@]+@/g, '//<secret>@')
  if (home.length > 1) clean = clean.replaceAll(new RegExp(`${literally(home)}(?=/|\\W|$)`, 'g'), '~')
  clean = clean.replace(/\/(home|Users)\/[^/\s:;,'")]+/g, '/$1/<user>')
  if (host.length > 0) clean = clean.replace(wholeWord(host), '<host>')
  // Words of the text itself, such as root, say nothing about a person.
  if (user.length > 0 && user !== 'root' && user !== 'node') clean = clean.replace(wholeWord(user), '<user>')
  return clean
}
