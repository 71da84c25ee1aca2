// Size: measures an embedded database and the room that it has left.
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Size } from '../kept.ts'
import type { Database } from './file.ts'

/** Of `db` with its log. Rejects where the volume does not answer. */
export async function sizeOf(db: Database): Promise<Size> {
  const [data, log, volume] = await Promise.all([stat(db.file), stat(`${db.file}-wal`), statfs(dirname(db.file))])
  const pages = 'select freelist_count * page_size as bytes from pragma_freelist_count, pragma_page_size'
  return {
    dataBytes: data.size,
    logBytes: log.size,
    reusableBytes: Number(db.get(pages)?.bytes),
    freeBytes: volume.bavail * volume.bsize
  }
}
