// Database path: resolves links, because the log, its index and the lock stand beside the real file and only there.
import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { RelayError } from '../../errors.ts'

/**
 * The path in `sqlite:<file>`, as it is written; undefined if `url` is not such an address. Throws BAD_DATABASE if the address names no
 * file that could be kept.
 */
export function sqliteFile(url: string): string | undefined {
  const file = /^sqlite:(?:\/\/)?(.*)$/s.exec(url.trim())?.[1]
  if (file === undefined) return undefined
  const refusal = refusalOf(file)
  if (refusal === undefined) return file
  throw new RelayError(
    'BAD_DATABASE',
    `the database cannot be there: ${refusal}; write sqlite:data/relay.db or sqlite:/data/relay.db`
  )
}

// Other programs take each of these, or a shell would have replaced it.
function refusalOf(file: string): string | undefined {
  if (file === '') return 'no file is named'
  if (/^:memory:|^file:.*[?&]mode=memory/.test(file)) return 'what is kept in memory is lost with the process'
  if (file.startsWith('file:')) return 'a path is wanted, not a URI'
  if (/^~|\$[\w{(]/.test(file)) return '`~` and variables are not replaced here'
  if (/^[\s"']|["']$/.test(file)) return 'quotes and spaces around a path would be a part of it'
  if (/[?#]/.test(file)) return 'options after the path are not taken'
  if (file.includes('\0')) return 'there is a NUL in the path'
  if (/\/\.{0,2}$/.test(file) || /^\.{1,2}$/.test(file)) return 'a folder is named, not a file'
  return undefined
}

/**
 * The absolute path of `file`, without links on the way. The file need not exist yet, and a link may point to where it will be. Throws
 * BAD_DATABASE if a link leads to no folder, or if the file has another name by which it could be opened without its log:
 * https://www.sqlite.org/howtocorrupt.html#_multiple_links_to_the_same_file.
 */
export function realPath(file: string): string {
  const path = follow(resolve(file), file)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw unusable(file, `${path} is a folder: name a file in it`)
  if (found !== undefined && found.nlink > 1) {
    const hint = 'what is written stands beside one of them only: keep one name, and make a copy for the other'
    throw unusable(file, `${path} has ${found.nlink} names (hard links), and ${hint}`)
  }
  if (isMountPoint(path)) {
    const hint = 'what is written stands beside it first, outside of the volume: mount its folder'
    throw unusable(file, `${path} is a volume of its own, and ${hint}`)
  }
  return path
}

/**
 * Returns a function that reports whether `file` and its log are still the same as now. If either was deleted, replaced or mounted
 * over, the operating system goes on taking what is written to it, but no later start will see that.
 */
export function watchPlace(file: string): () => boolean {
  const paths = [file, `${file}-wal`]
  const opened = paths.map(identityOf)
  return () => paths.every((path, at) => identityOf(path) === opened[at])
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    return 'gone'
  }
}

function follow(path: string, asked: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP') throw unusable(asked, 'its links lead in a circle')
    // For any other error, whoever opens the path says what is wrong with it.
    if (code !== 'ENOENT') return path
  }
  const target = linkAt(path)
  if (target === undefined) {
    const folder = dirname(path)
    return folder === path ? path : join(follow(folder, asked), basename(path))
  }
  const aim = resolve(realpathSync(dirname(path)), target)
  // The link's volume may not be mounted yet: a file that was made there now would be hidden or lost once it is.
  if (statSync(dirname(aim), { throwIfNoEntry: false }) === undefined || path !== resolve(asked)) {
    throw unusable(asked, `${path} is a link to ${aim}, which is not there: is the volume mounted?`)
  }
  return follow(aim, aim)
}

function linkAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined
}

/** Reports whether `file` is mounted by itself, as into a container. Known on Linux only. */
function isMountPoint(path: string): boolean {
  let mounts: string
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return false
  }
  // The fifth field, in which spaces and the like are octal: proc_pid_mountinfo(5).
  return mounts.split('\n').some((line) => {
    const point = line
      .split(' ')[4]
      ?.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    return point === path
  })
}

function unusable(file: string, because: string): RelayError {
  return new RelayError('BAD_DATABASE', `cannot use the database ${file}: ${because}`)
}
