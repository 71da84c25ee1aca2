// Connections: bounds the memory of all that are open. Whoever has asked for nothing for longest makes room, so that no crowd
// of strangers keeps out who has something to ask.
import { readFileSync } from 'node:fs'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createAnteroom } from './anteroom.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
/** What is taken by one in the anteroom, by one of Node's that has never asked, and by one that has or is about to; measured. */
const [waitingBytes, silentBytes, askingBytes] = [5 * kibibyte, 9 * kibibyte, 15 * kibibyte]
/** By one of a crowd that is asking for more than the anteroom keeps, with what the collector has yet to find of it. */
const heavyBytes = 48 * kibibyte

/** Of the files that may be open, so many are for the database, posts and what is read; of few, half. */
const keptFiles = 512

/** Whether a connection has asked for something, and the answer that is being made. */
type Stage = 'waiting' | 'silent' | 'answered' | ServerResponse

interface Limits {
  /** 8,055 that ask, or 22,000 of which nearly all wait in the anteroom. */
  maxBytes?: number
  /** Above this, they are a crowd: 1,000 that ask. */
  crowdBytes?: number
  /** Each is a file. Where the system has no more, it refuses whoever comes. */
  maxOpen?: number
}

/**
 * Lets connections take so many bytes together, and calls `closed` for each that makes room. Who waits for the answer to
 * a whole request is not among them. What is returned closes those that have not asked yet, for a stop.
 */
export function limitConnections(
  server: Server,
  closed: () => void,
  { maxBytes = 118 * mebibyte, crowdBytes = 15 * mebibyte, maxOpen = openAtMost() }: Limits = {}
): () => void {
  // In the order in which they came.
  const open = new Map<Socket, Stage>()
  let bytes = 0
  const [listener] = server.listeners('connection')
  if (listener === undefined) throw new Error('Node serves connections in another way')
  server.removeAllListeners('connection')
  const heavy = new WeakSet<Socket>()
  const anteroom = createAnteroom(server, (socket, isWhole) => {
    leave(socket)
    if (!isWhole) heavy.add(socket)
    enter(socket, 'silent')
    listener.call(server, socket)
  })

  function bytesOf(socket: Socket): number {
    const stage = open.get(socket)
    if (stage === undefined) return 0
    if (stage === 'waiting') return waitingBytes
    if (heavy.has(socket)) return heavyBytes
    return stage === 'silent' ? silentBytes : askingBytes
  }

  function enter(socket: Socket, stage: Stage): void {
    bytes -= bytesOf(socket)
    open.set(socket, stage)
    bytes += bytesOf(socket)
  }

  function leave(socket: Socket): void {
    bytes -= bytesOf(socket)
    open.delete(socket)
  }

  function onClose(this: Socket): void {
    leave(this)
  }

  const fits = () => bytes <= maxBytes && open.size <= maxOpen

  function makeRoom(): void {
    if (fits()) return
    for (const [socket, stage] of open) {
      if (typeof stage === 'object' && isAwaited(stage)) continue
      // Not when it has closed: until then it would be closed again for the next.
      leave(socket)
      socket.destroy()
      closed()
      if (fits()) return
    }
  }

  server.on('connection', (socket) => {
    socket.on('close', onClose)
    if (bytes > crowdBytes) {
      enter(socket, 'waiting')
      anteroom.receive(socket)
    } else {
      enter(socket, 'silent')
      listener.call(server, socket)
    }
    makeRoom()
  })
  server.on('request', ({ socket }, response) => {
    if (!open.has(socket)) return
    enter(socket, response)
    // Kept until the next request, each would outlive a collection of the young generation, with all that hangs on it.
    response.once('finish', () => {
      if (open.has(socket)) open.set(socket, 'answered')
    })
    makeRoom()
  })
  return anteroom.close
}

/** As Linux says it, of what Node has raised as far as it may; where another system does not, there is no such bound. */
function openAtMost(): number {
  let limits = ''
  try {
    limits = readFileSync('/proc/self/limits', 'utf8')
  } catch {}
  const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  return Math.max(files / 2, files - keptFiles)
}

/** An answer that has begun is not: it might be to somebody who never reads it. */
function isAwaited({ req, headersSent }: ServerResponse): boolean {
  return req.complete && !headersSent
}
