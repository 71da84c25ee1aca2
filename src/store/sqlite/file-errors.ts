// File errors: say what is wrong with a database file and what to do about it. Pure.

const lockedBy = 'locked, such as a shell of SQLite or a backup: end it'

// A log that another user has left, such as root, keeps the relay from using its own file.
const ofAll = "check owner and mode of the file, of its -wal and -shm and of its folder, and the volume's"

/** Texts by SQLite's primary result code: www.sqlite.org/rescode.html. */
const said: Record<number, (file: string) => string> = {
  3: readable,
  5: (file) => `another program has ${file} ${lockedBy}`,
  8: (file) => `${file} cannot be written to: ${ofAll}`,
  10: (file) => `${file} cannot be read or written: is the disk full, over a quota, or failing?`,
  11: damaged,
  13: (file) => `there is no space left for ${file}: make room; nothing that was acknowledged is lost`,
  14: readable,
  26: (file) => `${file} is not a SQLite database: is the path right? If it was one, restore the latest backup`
}

/** Extended codes of a volume without locks: SQLITE_IOERR_UNLOCK, _RDLOCK, _CHECKRESERVEDLOCK, _LOCK, _SHMLOCK and _SHMMAP. */
const lacking = new Set([8, 9, 14, 15, 20, 21].map((more) => 10 | (more << 8)))

function readable(file: string): string {
  return `${file} cannot be opened: ${ofAll}`
}

/** The end of a sentence about a volume without locks. */
export const knowsNoLocks = 'knows no locks or no shared memory, as NFS and SMB may not: take one that is a disk'

/** Says that a file is damaged. */
export function damaged(file: string): string {
  return `${file} is damaged: \`flux-relay verify sqlite:${file}\` says where; restore the latest backup, and keep the file`
}

/** Reports whether another program has the file locked. */
export function isLocked(error: unknown): boolean {
  return ((error as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === 5
}

/** Describes an error at run time for whoever posts to the relay: without the path. */
export function saySqliteError(error: unknown): string {
  const { errcode = 0, message } = error as { errcode?: number; message: string }
  const code = errcode & 0xff
  if (code === 11) return `it is damaged; \`flux-relay verify\` says where (${message})`
  return code === 5 ? `another program has it ${lockedBy} (${message})` : message
}

/** Describes an error of SQLite, or of the file system below it. */
export function sayFileError(error: unknown, file: string): string {
  const { errcode, message, code } = error as { errcode?: number; message?: string; code?: string }
  if (errcode !== undefined) {
    // The low byte is the primary code.
    const hint = lacking.has(errcode) ? `the volume of ${file} ${knowsNoLocks}` : (said[errcode & 0xff]?.(file) ?? file)
    return `${hint} (${message})`
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return `${said[8]?.(file)} (${code})`
  if (code === 'ENOSPC' || code === 'EDQUOT') return `${said[13]?.(file)} (${code})`
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return `${file} cannot be there: a part of its path is a file, not a folder`
  return `${file}: ${message}`
}
